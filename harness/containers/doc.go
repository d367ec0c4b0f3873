// Package containers is the stage whose roles run in containers of their own, through
// a Docker engine on this machine. It is a harness.Stage.
//
// The image holds nothing but a static tokendrill and is built here; a role of the
// plan may also be other people's software, from an image that the engine has or can
// pull. What a stage makes carries its labels, so that [List] and [Prune] find it when
// its owner has died.
package containers
