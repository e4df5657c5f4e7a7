// Judges a sample with golang.org/x/mod/sumdb: notes, inclusion, growth, and tiles as the go command itself reads them.
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"judge/note"
	"judge/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "REFUSED", err)
		os.Exit(1)
	}
}

func read(path ...string) []byte {
	data, err := os.ReadFile(filepath.Join(path...))
	must(err)
	return data
}

// The tree of a checkpoint that the key signed.
func open(vkey string, text []byte) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	must(err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		must(fmt.Errorf("origin %q", lines[0]))
	}
	var size int64
	_, err = fmt.Sscan(lines[1], &size)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	return tlog.Tree{N: size, Hash: root}
}

// Head lines, hashes and checkpoint of a proof file.
func split(text []byte) (head []string, hashes []tlog.Hash, checkpoint []byte) {
	top, rest, found := strings.Cut(string(text), "\n\n")
	if !found {
		must(fmt.Errorf("no checkpoint"))
	}
	for _, line := range strings.Split(top, "\n") {
		if hash, err := tlog.ParseHash(line); err == nil {
			hashes = append(hashes, hash)
		} else {
			head = append(head, line)
		}
	}
	return head, hashes, []byte(rest)
}

// Tiles in the places of C2SP tlog-tiles, which leave out the height and call data entries.
type tiles struct{ dir string }

func (t tiles) Height() int                        { return 8 }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte)    {}
func (t tiles) ReadTiles(all []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range all {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		bytes, err := os.ReadFile(filepath.Join(t.dir, path))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

// Every leaf of a log, read from entry bundles, is in the tree that its hash tiles lead to.
func checkTiles(dir, vkey string, step int64) int64 {
	tree := open(vkey, read(dir, "checkpoint"))
	reader := tlog.TileHashReader(tree, tiles{dir})
	root, err := tlog.TreeHash(tree.N, reader)
	must(err)
	if root != tree.Hash {
		must(fmt.Errorf("%s: root", dir))
	}
	var checked int64
	for tile := int64(0); tile*256 < tree.N; tile++ {
		width := min(int(tree.N-tile*256), 256)
		path := strings.Replace(tlog.Tile{H: 8, L: -1, N: tile, W: width}.Path(), "tile/8/data/", "tile/entries/", 1)
		entries := read(dir, path)
		for at := int64(0); at < int64(width); at++ {
			length := int(entries[0])<<8 | int(entries[1])
			leaf := entries[2 : 2+length]
			entries = entries[2+length:]
			index := tile*256 + at
			if index%step == 0 || index == tree.N-1 {
				proof, err := tlog.ProveRecord(tree.N, index, reader)
				must(err)
				must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)))
				checked++
			}
		}
		if len(entries) != 0 {
			must(fmt.Errorf("%s: bytes behind the entries", path))
		}
	}
	return checked
}

// The key of a port's own log: another name over the same bytes.
func portKey(vkey, port string) string {
	name, rest, _ := strings.Cut(vkey, "+")
	_, encoded, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.DecodeString(encoded)
	must(err)
	made, err := note.NewEd25519VerifierKey(name+"/port/"+port, key[1:])
	must(err)
	return made
}

func main() {
	root := os.Args[1]
	vkey := strings.TrimSpace(string(read(root, "log.vkey")))
	var notes, inclusions, growths int
	for _, dir := range []string{"sizes", "large"} {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.*"))
		must(err)
		for _, file := range files {
			head, hashes, checkpoint := split(read(file))
			switch filepath.Ext(file) {
			case ".checkpoint":
				open(vkey, read(file))
				notes++
			case ".tlog-proof":
				tree := open(vkey, checkpoint)
				var index int64
				_, err := fmt.Sscanf(head[1], "index %d", &index)
				must(err)
				leaf := read(root, dir, "leaves", fmt.Sprint(index))
				must(tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash(leaf)))
				inclusions++
			case ".growth":
				tree := open(vkey, checkpoint)
				var old int64
				_, err := fmt.Sscanf(head[0], "old %d", &old)
				must(err)
				before := open(vkey, read(root, dir, fmt.Sprintf("%d.checkpoint", old)))
				must(tlog.CheckTree(hashes, tree.N, tree.Hash, before.N, before.Hash))
				growths++
			}
		}
	}
	fmt.Println("notes", notes, "inclusions", inclusions, "growths", growths)
	logs := append([]string{filepath.Join(root, "sizes", "log"), filepath.Join(root, "large", "log")}, os.Args[2:]...)
	for _, dir := range logs {
		key := vkey
		if vkeys, err := os.ReadFile(dir + ".vkey"); err == nil {
			key = strings.TrimSpace(string(vkeys))
		}
		leaves := checkTiles(dir, key, 37)
		ports, err := os.ReadDir(filepath.Join(dir, "port"))
		must(err)
		for _, port := range ports {
			leaves += checkTiles(filepath.Join(dir, "port", port.Name()), portKey(key, port.Name()), 37)
		}
		fmt.Println("tiles of", filepath.Base(filepath.Dir(dir)), "and", len(ports), "ports,", leaves, "leaves proven")
	}
}
