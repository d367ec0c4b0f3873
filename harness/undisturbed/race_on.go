//go:build race

package undisturbed

const race = true
