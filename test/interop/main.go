// Checks logs that libs/transparency wrote with code that knows nothing of it: golang.org/x/mod/sumdb/note and sumdb/tlog.
//
//	go run . <directory>    one log in each folder of it; a line for each check: "ok <what>" or "FAIL <what>: <why>"
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "go run . <directory with a log in each folder>")
		os.Exit(2)
	}
	folders, err := os.ReadDir(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	sort.Slice(folders, func(i, j int) bool {
		a, b := folders[i].Name(), folders[j].Name()
		return len(a) < len(b) || len(a) == len(b) && a < b
	})
	for _, folder := range folders {
		checkLog(filepath.Join(os.Args[1], folder.Name()), folder.Name())
	}
}

// check runs one check and says how it ended. A later check may need what an earlier one found, so each returns its error.
func check(log, what string, run func() error) {
	if err := run(); err != nil {
		fmt.Printf("FAIL log of %s: %s: %v\n", log, what, err)
		return
	}
	fmt.Printf("ok log of %s: %s\n", log, what)
}
