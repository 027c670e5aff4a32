package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// openedLog is a log whose checkpoint sumdb/note has verified.
type openedLog struct {
	dir    string
	tree   tlog.Tree
	hashes tlog.HashReader
}

func checkLog(dir, name string) {
	log := &openedLog{dir: dir}
	check(name, "sumdb/note opens the checkpoint", log.open)
	if log.hashes == nil {
		return
	}
	check(name, "sumdb/note refuses it after a change of the size", log.refuseOtherSize)
	check(name, "the witness's cosignature verifies", log.cosigned)
	check(name, "sumdb/tlog computes the root from the tiles", log.root)
	check(name, "sumdb/tlog refuses a forged tile", log.refuseForgedTile)
	check(name, "each entry hashes to its leaf", log.entries)
	check(name, "inclusion proofs that sumdb/tlog makes of the tiles verify", log.proveRecords)
	check(name, "consistency proofs that sumdb/tlog makes of the tiles verify", log.proveTrees)
	check(name, "our .tlog-proof files verify", log.proofFiles)
	check(name, "our consistency proofs for witnesses verify", log.witnessRequests)
}

func (l *openedLog) open() error {
	text, err := openNote(l.read("checkpoint"), l.read("log.vkey"))
	if err != nil {
		return err
	}
	origin, tree, err := parseCheckpoint(text)
	if err != nil {
		return err
	}
	if verifier, err := note.NewVerifier(strings.TrimSpace(string(l.read("log.vkey")))); err != nil || verifier.Name() != origin {
		return fmt.Errorf("the key is not named %q (%v)", origin, err)
	}
	l.tree, l.hashes = tree, tlog.TileHashReader(tree, &tiles{dir: l.dir})
	return nil
}

func (l *openedLog) refuseOtherSize() error {
	changed := bytes.Replace(l.read("checkpoint"), fmt.Appendf(nil, "\n%d\n", l.tree.N), fmt.Appendf(nil, "\n%d\n", l.tree.N+1), 1)
	if _, err := openNote(changed, l.read("log.vkey")); err == nil {
		return errors.New("it was accepted")
	}
	return nil
}

func (l *openedLog) cosigned() error {
	witness, err := newCosignatureVerifier(strings.TrimSpace(string(l.read("witness.vkey"))))
	if err != nil {
		return err
	}
	opened, err := note.Open(l.read("checkpoint"), note.VerifierList(witness))
	if err != nil {
		return err
	}
	if len(opened.Sigs) != 1 {
		return fmt.Errorf("%d cosignatures", len(opened.Sigs))
	}
	return nil
}

func (l *openedLog) root() error {
	root, err := tlog.TreeHash(l.tree.N, l.hashes)
	if err != nil {
		return err
	}
	if root != l.tree.Hash {
		return fmt.Errorf("%v instead of %v", root, l.tree.Hash)
	}
	return nil
}

func (l *openedLog) refuseForgedTile() error {
	forged := tlog.TileHashReader(l.tree, &tiles{dir: l.dir, forge: true})
	if _, err := forged.ReadHashes([]int64{tlog.StoredHashIndex(0, 0)}); err == nil {
		return errors.New("it was accepted")
	}
	return nil
}

func (l *openedLog) entries() error {
	for index := range l.tree.N {
		if l.tree.N > 2000 && index%97 != 0 && index != l.tree.N-1 {
			continue
		}
		entry, err := l.entry(index)
		if err != nil {
			return err
		}
		leaf, err := l.hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return err
		}
		if leaf[0] != tlog.RecordHash(entry) {
			return fmt.Errorf("not so entry %d", index)
		}
	}
	return nil
}

func (l *openedLog) proveRecords() error {
	return some(l.tree.N, func(index int64) error {
		proof, err := tlog.ProveRecord(l.tree.N, index, l.hashes)
		if err != nil {
			return err
		}
		entry, err := l.entry(index)
		if err != nil {
			return err
		}
		return tlog.CheckRecord(proof, l.tree.N, l.tree.Hash, index, tlog.RecordHash(entry))
	})
}

func (l *openedLog) proveTrees() error {
	return some(l.tree.N, func(index int64) error {
		from := index + 1
		old, err := tlog.TreeHash(from, l.hashes)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(l.tree.N, from, l.hashes)
		if err != nil {
			return err
		}
		return tlog.CheckTree(proof, l.tree.N, l.tree.Hash, from, old)
	})
}

// proofFiles reads each proofs/*.tlog-proof by itself: header, index, hashes, checkpoint.
func (l *openedLog) proofFiles() error {
	return l.each("proofs/*.tlog-proof", func(file string) error {
		head, checkpoint, found := strings.Cut(file, "\n\n")
		lines := strings.Split(head, "\n")
		if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
			return errors.New("it is no tlog-proof")
		}
		text, err := openNote([]byte(checkpoint), l.read("log.vkey"))
		if err != nil {
			return err
		}
		_, tree, err := parseCheckpoint(text)
		if err != nil {
			return err
		}
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
		if err != nil {
			return err
		}
		proof, err := parseHashes(lines[2:])
		if err != nil {
			return err
		}
		entry, err := l.entry(index)
		if err != nil {
			return err
		}
		return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
	})
}

// witnessRequests reads each consistency/* as the body of an add-checkpoint request.
func (l *openedLog) witnessRequests() error {
	return l.each("consistency/*", func(body string) error {
		head, checkpoint, found := strings.Cut(body, "\n\n")
		lines := strings.Split(head, "\n")
		from, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
		if !found || err != nil || checkpoint != string(l.read("checkpoint")) {
			return fmt.Errorf("it is no add-checkpoint request (%v)", err)
		}
		proof, err := parseHashes(lines[1:])
		if err != nil {
			return err
		}
		old, err := tlog.TreeHash(from, l.hashes)
		if err != nil {
			return err
		}
		return tlog.CheckTree(tlog.TreeProof(proof), l.tree.N, l.tree.Hash, from, old)
	})
}

// entry reads one entry from its bundle: uint16 length, bytes, and so on.
func (l *openedLog) entry(index int64) ([]byte, error) {
	tile := tlog.Tile{H: 8, L: 0, N: index / 256, W: int(min(256, l.tree.N-index/256*256))}
	bundle, err := os.ReadFile(filepath.Join(l.dir, strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)))
	if err != nil {
		return nil, err
	}
	for skip := index % 256; ; skip-- {
		if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
			return nil, fmt.Errorf("the bundle ends before entry %d", index)
		}
		end := 2 + int(binary.BigEndian.Uint16(bundle))
		if skip == 0 {
			return bundle[2:end], nil
		}
		bundle = bundle[end:]
	}
}

func (l *openedLog) read(name string) []byte {
	content, _ := os.ReadFile(filepath.Join(l.dir, name)) // what is missing does not verify
	return content
}

func (l *openedLog) each(pattern string, run func(file string) error) error {
	names, err := filepath.Glob(filepath.Join(l.dir, pattern))
	if err != nil || len(names) == 0 {
		return fmt.Errorf("there is none (%v)", err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err == nil {
			err = run(string(content))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	return nil
}

// some runs for both ends and up to 60 numbers between.
func some(n int64, run func(int64) error) error {
	step := max(1, n/60)
	for index := int64(0); index < n; index += step {
		if err := run(index); err != nil {
			return fmt.Errorf("at %d: %w", index, err)
		}
	}
	return run(n - 1)
}

func openNote(signed, vkey []byte) (string, error) {
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return "", err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return "", err
	}
	return opened.Text, nil
}

func parseCheckpoint(text string) (origin string, tree tlog.Tree, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return "", tree, fmt.Errorf("not three lines: %q", text)
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return "", tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return lines[0], tree, err
}

func parseHashes(lines []string) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(lines))
	for _, line := range lines {
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			return nil, fmt.Errorf("%q is no hash", line)
		}
		hashes = append(hashes, tlog.Hash(raw))
	}
	return hashes, nil
}
