package chaos

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Size is a number of bytes, written "48MiB".
type Size int64

const (
	kibibyte Size = 1 << 10
	mebibyte Size = 1 << 20
	gibibyte Size = 1 << 30
)

// SizeForm is how a size is written: a whole number of bytes, KiB, MiB or GiB.
var SizeForm = regexp.MustCompile(`^[0-9]+(KiB|MiB|GiB|B)$`)

// sizeUnits are the units of a size, the largest first.
var sizeUnits = []struct {
	name string
	size Size
}{{"GiB", gibibyte}, {"MiB", mebibyte}, {"KiB", kibibyte}, {"B", 1}}

// ParseSize reads a size such as "48MiB".
func ParseSize(text string) (Size, error) {
	if SizeForm.MatchString(text) {
		for _, u := range sizeUnits {
			digits, found := strings.CutSuffix(text, u.name)
			if !found {
				continue
			}
			n, err := strconv.ParseInt(digits, 10, 64)
			if err == nil && n <= int64(1<<62/u.size) {
				return Size(n) * u.size, nil
			}
			break
		}
	}
	return 0, fmt.Errorf("%.40q is no size; expected such as 48MiB", text)
}

// String writes a size in the largest unit of which it is a whole number.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.size == 0 {
			return strconv.FormatInt(int64(s/u.size), 10) + u.name
		}
	}
	return "0B"
}
