// Follows the verified feed of a portbook: every sealed event once and in order, from where it stopped.
//
// Needs the module github.com/nats-io/nats.go. Prints one JSON document a line; put your own work into handle.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	server       = "nats://127.0.0.1:4222"
	seedFile     = "subscriber.nk"
	name         = "subscriber" // of the NATS user; its durable consumer and its inboxes are named after it
	positionFile = "portbook-subscriber.json"
	stream       = "PORTBOOK_FEED"
	none         = ^uint64(0)
)

var (
	ports = []string{} // for example {"CNNBG"}; empty: every port
	types = []string{} // for example {"license.granted"}; empty: every type
)

// errWrong says that the feed is not what it should be: look at it before you go on.
var errWrong = errors.New("the feed is wrong")

type position struct {
	Seq  uint64 `json:"seq"`
	Next uint64 `json:"next_leaf"`
}

type place struct {
	Leaf       uint64   `json:"leaf"`
	Port       string   `json:"port"`
	PortSeq    uint64   `json:"port_seq"`
	Checkpoint uint64   `json:"checkpoint"`
	Findings   []string `json:"findings"`
	caseID     string
}

// handle is your work. To do it exactly once, store its result and the position in one transaction.
func handle(event []byte, at place) error {
	line, err := json.Marshal(struct {
		place
		Event json.RawMessage `json:"event"`
	}{at, event})
	if err == nil {
		_, err = fmt.Println(string(line))
	}
	return err
}

func number(message jetstream.Msg, header string) (uint64, error) {
	return strconv.ParseUint(message.Headers().Get(header), 10, 64)
}

func placeOf(message jetstream.Msg) (at place, err error) {
	parts := strings.Split(message.Subject(), ".")
	if len(parts) != 6 {
		return at, fmt.Errorf("%w: subject %q", errWrong, message.Subject())
	}
	at.Port, at.caseID = parts[2], parts[5]
	at.Findings = strings.FieldsFunc(message.Headers().Get("Portbook-Findings"), func(r rune) bool { return r == ',' })
	if at.Leaf, err = number(message, "Portbook-Leaf-Index"); err != nil {
		return at, err
	}
	if at.PortSeq, err = number(message, "Portbook-Port-Seq"); err != nil {
		return at, err
	}
	at.Checkpoint, err = number(message, "Portbook-Checkpoint-Size")
	return at, err
}

// leafHash is the hash of the ledger's record, computed from the message alone: docs/format.md, "Record".
func leafHash(message jetstream.Msg, at place) (string, error) {
	recordedAt, err := number(message, "Portbook-Recorded-At")
	if err != nil {
		return "", err
	}
	prev, prevHash, _ := strings.Cut(message.Headers().Get("Portbook-Prev-Leaf"), ":")
	prevIndex := none
	if prev != "genesis" {
		if prevIndex, err = strconv.ParseUint(prev, 10, 64); err != nil {
			return "", err
		}
	}
	hash, err := hex.DecodeString(prevHash)
	if err != nil {
		return "", err
	}
	signature := message.Headers().Get("Portbook-Signature")
	subject, signed := "portbook.events."+at.caseID, byte(0)
	if signature != "" {
		signed = 1
	}
	leaf := append([]byte{0}, "PBR1"...)
	leaf = append(leaf, 1, signed, byte(len(at.Port)))
	leaf = append(leaf, at.Port...)
	leaf = binary.BigEndian.AppendUint64(leaf, at.PortSeq)
	leaf = binary.BigEndian.AppendUint64(leaf, prevIndex)
	leaf = append(leaf, hash...)
	leaf = binary.BigEndian.AppendUint64(leaf, at.Leaf+1)
	leaf = binary.BigEndian.AppendUint64(leaf, recordedAt)
	leaf = binary.BigEndian.AppendUint64(leaf, none)
	leaf = binary.BigEndian.AppendUint16(leaf, uint16(len(subject)))
	leaf = append(leaf, subject...)
	leaf = binary.BigEndian.AppendUint32(leaf, uint32(len(message.Data())))
	leaf = append(leaf, message.Data()...)
	if signature != "" {
		keyID, text, _ := strings.Cut(signature, ":")
		key, err := hex.DecodeString(keyID)
		if err != nil {
			return "", err
		}
		bytes, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", err
		}
		leaf = append(append(leaf, key...), bytes...)
	}
	sum := sha256.Sum256(leaf)
	return hex.EncodeToString(sum[:]), nil
}

func load() (at position, err error) {
	text, err := os.ReadFile(positionFile)
	if errors.Is(err, os.ErrNotExist) {
		return at, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &at)
	}
	return at, err
}

func (at position) save() error {
	text, err := json.Marshal(at)
	if err != nil {
		return err
	}
	if err := os.WriteFile(positionFile+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(positionFile+".new", positionFile)
}

func filters() (subjects []string) {
	wantedPorts, wantedTypes := ports, types
	if len(wantedPorts) == 0 {
		wantedPorts = []string{"*"}
	}
	if len(wantedTypes) == 0 {
		wantedTypes = []string{"*.*"}
	}
	for _, port := range wantedPorts {
		for _, kind := range wantedTypes {
			subjects = append(subjects, "portbook.feed."+port+"."+kind+".*")
		}
	}
	return subjects
}

// subscribe makes a consumer that begins at our own position: what the server remembers of an earlier one does not matter.
func subscribe(ctx context.Context, js jetstream.JetStream, next uint64) (jetstream.Consumer, error) {
	feed, err := js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	if first := feed.CachedInfo().State.FirstSeq; next < first && next > 1 {
		return nil, fmt.Errorf("%w: it begins at message %d by now; %d was due", errWrong, first, next)
	}
	if err := feed.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, err
	}
	return feed.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:        name,
		FilterSubjects: filters(),
		AckPolicy:      jetstream.AckNonePolicy,
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:    max(next, 1),
	})
}

// follow handles events until the consumer is not what it was; then another one goes on at our position.
func follow(ctx context.Context, js jetstream.JetStream, at *position) error {
	consumer, err := subscribe(ctx, js, at.Seq+1)
	if err != nil {
		return err
	}
	for expected := uint64(1); ctx.Err() == nil; {
		batch, err := consumer.Fetch(200, jetstream.FetchMaxWait(2*time.Second))
		if err != nil {
			return err
		}
		count := 0
		for message := range batch.Messages() {
			count++
			metadata, err := message.Metadata()
			if err != nil {
				return err
			}
			if metadata.Sequence.Consumer != expected {
				return nil // a message got lost on the way
			}
			expected++
			here, err := placeOf(message)
			if err != nil {
				return fmt.Errorf("%w: %w", errWrong, err)
			}
			if here.Leaf < at.Next {
				return fmt.Errorf("%w: leaf %d came where leaf %d was due", errWrong, here.Leaf, at.Next)
			}
			found, err := leafHash(message, here)
			if err != nil || found != message.Headers().Get("Portbook-Leaf-Hash") {
				return fmt.Errorf("%w: message %d is not leaf %d", errWrong, metadata.Sequence.Stream, here.Leaf)
			}
			if err := handle(message.Data(), here); err != nil {
				return err
			}
			at.Seq, at.Next = metadata.Sequence.Stream, here.Leaf+1
			if err := at.save(); err != nil {
				return err
			}
		}
		if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) {
			return err
		}
		if count == 0 {
			if _, err := consumer.Info(ctx); err != nil { // it is gone
				return err
			}
		}
	}
	return nil
}

func main() {
	key, err := nats.NkeyOptionFromSeed(seedFile)
	if err != nil {
		log.Fatal(err)
	}
	client, err := nats.Connect(server, key, nats.CustomInboxPrefix("_INBOX_"+name), nats.MaxReconnects(-1),
		nats.ReconnectWait(200*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	js, err := jetstream.New(client)
	if err != nil {
		log.Fatal(err)
	}
	at, err := load()
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for ctx.Err() == nil {
		err := follow(ctx, js, &at)
		if errors.Is(err, errWrong) {
			log.Fatal(err)
		}
		if err != nil && ctx.Err() == nil {
			log.Printf("waiting for the feed: %v", err)
		}
		time.Sleep(300 * time.Millisecond)
	}
}
