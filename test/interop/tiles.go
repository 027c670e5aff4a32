package main

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// tiles reads tiles of height 8 where C2SP tlog-tiles puts them: the same paths as x/mod's without the height.
type tiles struct {
	dir string
	// forge changes one byte of the first tile.
	forge bool
}

func (*tiles) Height() int { return 8 }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(wanted))
	for i, tile := range wanted {
		content, err := os.ReadFile(filepath.Join(t.dir, strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		if t.forge && tile.L == 0 && tile.N == 0 {
			content[0] ^= 1
		}
		data[i] = content
	}
	return data, nil
}

// SaveTiles is told what was verified; nothing is kept.
func (*tiles) SaveTiles([]tlog.Tile, [][]byte) {}
