// What golang.org/x/mod/sumdb (packages note and tlog) says of a register: tests/interop/tlog/README.md.
//
// Use: verify-go URL VKEY FOLDER. URL is the register's at a running relay. FOLDER holds
//
//	notes          signed checkpoints, a line "." after each
//	witnesses      verifier keys of type 0x04, one a line
//	proofs.jsonl   proofs that our code built, under the roots of these checkpoints
//
// One line a failure, and at the end "N passed, N failed, N skipped".
package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height    = 8 // of our tiles; x/mod writes it into its paths, c2sp.org/tlog-tiles does not
	entrySize = 33
)

var passed, failed, shown int

func check(good bool, format string, args ...interface{}) bool {
	if good {
		passed++
		return true
	}
	failed++
	if shown++; shown <= 20 {
		fmt.Printf("FAILED: "+format+"\n", args...)
	}
	return false
}

func die(err error) {
	if err != nil {
		fmt.Println("FAILED:", err)
		fmt.Printf("%d passed, %d failed, 0 skipped\n", passed, failed+1)
		os.Exit(1)
	}
}

// A witness's key: x/mod knows no type 0x04, but takes any Verifier. The signature is Go's own Ed25519.
type witness struct {
	name string
	hash uint32
	pub  ed25519.PublicKey
}

func (w *witness) Name() string    { return w.name }
func (w *witness) KeyHash() uint32 { return w.hash }

// c2sp.org/tlog-cosignature, cosignature/v1.
func (w *witness) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), msg)
	return ed25519.Verify(w.pub, []byte(signed), sig[8:])
}

func parseWitness(text string) (*witness, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("%q is no verifier key", text)
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return nil, fmt.Errorf("%q is no key of type 0x04", text)
	}
	h := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	hash := binary.BigEndian.Uint32(h[:])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return nil, fmt.Errorf("%q has another key's id", text)
	}
	return &witness{parts[0], hash, key[1:]}, nil
}

// The three lines of a checkpoint. x/mod's ParseTree wants the Go checksum database's first line, so not that one.
func parseTree(text, origin string) (tlog.Tree, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] != origin || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("not three lines under the origin: %q", text)
	}
	n, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("size %q", lines[1])
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: n, Hash: hash}, err
}

// Tiles of a register over HTTP, for tlog.TileHashReader.
type register struct {
	url   string
	tiles map[string][]byte
	reads int
}

func (r *register) get(path string) ([]byte, int, error) {
	answer, err := http.Get(r.url + "/" + path)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	r.reads++
	return data, answer.StatusCode, err
}

// tilePath is that of c2sp.org/tlog-tiles: without the height, and with "entries" for a bundle.
func tilePath(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", height))
	if t.L == -1 {
		path = "entries/" + strings.TrimPrefix(path, "data/")
	}
	return "tile/" + path
}

func (r *register) read(t tlog.Tile) ([]byte, error) {
	path := tilePath(t)
	if data, ok := r.tiles[path]; ok {
		return data, nil
	}
	data, status, err := r.get(path)
	if err == nil && status == http.StatusNotFound && t.W < 1<<height {
		full := t
		full.W = 1 << height
		if data, err = r.read(full); err == nil && t.L >= 0 {
			data = data[:t.W*tlog.HashSize]
		}
		status = http.StatusOK
	}
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d, %v", path, status, err)
	}
	r.tiles[path] = data
	return data, nil
}

func (r *register) Height() int { return height }

func (r *register) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		data, err := r.read(t)
		if err != nil {
			return nil, err
		}
		out[i] = data
	}
	return out, nil
}

func (r *register) SaveTiles([]tlog.Tile, [][]byte) {}

type proof struct {
	Kind             string
	Size, Index, Old int64
	Hashes           []tlog.Hash
}

// Every checkpoint, by size; a size whose root differs from one note to another fails.
func readTrees(folder, vkey string, witnesses []note.Verifier) map[int64]tlog.Hash {
	log, err := note.NewVerifier(vkey)
	die(err)
	data, err := os.ReadFile(filepath.Join(folder, "notes"))
	die(err)
	trees := map[int64]tlog.Hash{}
	cosigned := 0
	for i, text := range bytes.SplitAfter(data, []byte("\n.\n")) {
		if len(text) == 0 {
			continue
		}
		n, err := note.Open(bytes.TrimSuffix(text, []byte(".\n")), note.VerifierList(append(witnesses, log)...))
		if !check(err == nil, "note %d: %v", i, err) {
			continue
		}
		ours := false
		for _, s := range n.Sigs {
			ours = ours || (s.Name == log.Name() && s.Hash == log.KeyHash())
			if s.Name != log.Name() {
				cosigned++
			}
		}
		tree, err := parseTree(n.Text, log.Name())
		if !check(ours && err == nil && len(n.UnverifiedSigs) == 0, "note %d: its text or its signatures: %v", i, err) {
			continue
		}
		have, there := trees[tree.N]
		check(!there || have == tree.Hash, "size %d has two roots", tree.N)
		trees[tree.N] = tree.Hash
	}
	fmt.Printf("go: %d checkpoints, %d cosignatures on them\n", len(trees), cosigned)
	check(cosigned > 0 || len(witnesses) == 0, "no note bears a cosignature")
	return trees
}

func sameHashes(a, b []tlog.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Our proof is good under the signed roots, and is the one that x/mod builds from the same tiles.
func checkProof(i int, p proof, trees map[int64]tlog.Hash, hashes tlog.HashReader) {
	root, known := trees[p.Size]
	if !known {
		check(false, "proof %d: no checkpoint of size %d", i, p.Size)
		return
	}
	switch p.Kind {
	case "inclusion":
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, p.Index)})
		if err == nil {
			err = tlog.CheckRecord(p.Hashes, p.Size, root, p.Index, leaf[0])
		}
		if check(err == nil, "inclusion proof %d, entry %d in %d: %v", i, p.Index, p.Size, err) {
			own, err := tlog.ProveRecord(p.Size, p.Index, hashes)
			check(err == nil && sameHashes(own, p.Hashes), "inclusion proof %d is not x/mod's", i)
		}
	case "consistency":
		err := tlog.CheckTree(p.Hashes, p.Size, root, p.Old, trees[p.Old])
		if check(err == nil, "consistency proof %d, %d to %d: %v", i, p.Old, p.Size, err) {
			own, err := tlog.ProveTree(p.Size, p.Old, hashes)
			check(err == nil && sameHashes(own, p.Hashes), "consistency proof %d is not x/mod's", i)
		}
	default:
		check(false, "proof %d is of no kind", i)
	}
}

func readProofs(folder string, trees map[int64]tlog.Hash, hashes tlog.HashReader) {
	file, err := os.Open(filepath.Join(folder, "proofs.jsonl"))
	die(err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	kinds := map[string]int{}
	for i := 0; lines.Scan(); i++ {
		var p proof
		die(json.Unmarshal(lines.Bytes(), &p))
		kinds[p.Kind]++
		checkProof(i, p, trees, hashes)
	}
	die(lines.Err())
	fmt.Printf("go: %d inclusion and %d consistency proofs\n", kinds["inclusion"], kinds["consistency"])
}

// Every tile of the tree and every entry: what the relay serves is what leads to the signed root.
func readTiles(r *register, tree tlog.Tree, hashes tlog.HashReader) {
	tiles, entries := 0, 0
	for _, t := range tlog.NewTiles(height, 0, tree.N) {
		want, err := tlog.ReadTileData(t, hashes)
		if !check(err == nil, "%s: %v", tilePath(t), err) {
			continue
		}
		got, status, err := r.get(tilePath(t))
		check(err == nil && status == http.StatusOK && bytes.Equal(got, want), "%s: status %d, %v, or other bytes", tilePath(t), status, err)
		tiles++
		if t.L != 0 {
			continue
		}
		bundle := t
		bundle.L = -1
		data, err := r.read(bundle)
		for i := 0; err == nil && i < t.W; i++ {
			if len(data) < 2+entrySize || binary.BigEndian.Uint16(data) != entrySize {
				err = fmt.Errorf("entry %d is not %d bytes", i, entrySize)
				break
			}
			hash := tlog.RecordHash(data[2 : 2+entrySize])
			if !bytes.Equal(hash[:], want[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
				err = fmt.Errorf("entry %d has another hash than its tile", i)
			}
			data = data[2+entrySize:]
			entries++
		}
		check(err == nil && len(data) == 0, "%s: %v, %d bytes too many", tilePath(bundle), err, len(data))
	}
	fmt.Printf("go: %d tiles and %d entries read back, %d requests\n", tiles, entries, r.reads)
}

func main() {
	if len(os.Args) != 4 {
		die(fmt.Errorf("use: verify-go URL VKEY FOLDER"))
	}
	url, vkey, folder := os.Args[1], os.Args[2], os.Args[3]
	var witnesses []note.Verifier
	data, err := os.ReadFile(filepath.Join(folder, "witnesses"))
	die(err)
	for _, line := range strings.Fields(string(data)) {
		w, err := parseWitness(line)
		die(err)
		witnesses = append(witnesses, w)
	}
	trees := readTrees(folder, vkey, witnesses)
	sizes := []int64{}
	for size := range trees {
		sizes = append(sizes, size)
	}
	sort.Slice(sizes, func(i, j int) bool { return sizes[i] < sizes[j] })
	if len(sizes) == 0 {
		die(fmt.Errorf("no checkpoint verifies"))
	}
	last := sizes[len(sizes)-1]
	tree := tlog.Tree{N: last, Hash: trees[last]}
	r := &register{url: url, tiles: map[string][]byte{}}
	hashes := tlog.TileHashReader(tree, r)
	// The reader gives roots of every size from tiles that it checked against the last one.
	for _, size := range sizes {
		root, err := tlog.TreeHash(size, hashes)
		check(err == nil && (root == trees[size] || size == 0), "the tiles give another root at %d: %v", size, err)
	}
	readProofs(folder, trees, hashes)
	readTiles(r, tree, hashes)
	fmt.Printf("%d passed, %d failed, 0 skipped\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
