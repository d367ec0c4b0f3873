// Package reports renders a [measure.Report] for people: a block for the
// terminal and one self-contained HTML page. It knows nothing of how a run is
// made, so a saved report.json renders the same a year later.
//
// Three rules hold for every renderer. A figure carries its uncertainty or its
// sample size. A figure that its sample cannot support is shown as "-". Bounds
// are rounded outwards: a lower bound down, an upper bound up.
package reports
