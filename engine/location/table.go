package location

import (
	"fmt"

	"github.com/hashicorp/go-memdb"
)

// row is what the table holds: all bindings of one address of record, packed. It never changes once inserted; what follows it is
// another row with the same deadline.
type row struct {
	deadline *deadline // carries the AOR
	bindings packed
	due      int64 // Unix nanoseconds: the first binding expires, or, without any, the AOR is forgotten
}

const (
	tableName = "aor"
	indexName = "id" // the name memdb wants for the primary index
)

// table is the memdb table behind the store.
type table struct {
	db *memdb.MemDB
}

func newTable() table {
	db, err := memdb.NewMemDB(&memdb.DBSchema{Tables: map[string]*memdb.TableSchema{
		tableName: {Name: tableName, Indexes: map[string]*memdb.IndexSchema{
			indexName: {Name: indexName, Unique: true, Indexer: aorIndexer{}},
		}},
	}})
	if err != nil {
		panic(err) // the schema is a constant
	}
	// Nobody watches rows: changes are announced by Config.Changed. A snapshot can be written like the database it was taken
	// of, and does not keep the list of watch channels to close that would cost each commit more than its inserts.
	return table{db.Snapshot()}
}

// aorIndexer makes the address of record itself the key.
type aorIndexer struct{}

func (aorIndexer) FromObject(obj any) (bool, []byte, error) {
	r, ok := obj.(*row)
	if !ok {
		return false, nil, fmt.Errorf("location: %T is not a row", obj)
	}
	return true, []byte(r.deadline.aor), nil
}

func (aorIndexer) FromArgs(args ...any) ([]byte, error) {
	if len(args) == 1 {
		if aor, ok := args[0].(string); ok {
			return []byte(aor), nil
		}
	}
	return nil, fmt.Errorf("location: %v is not an address of record", args)
}

// get returns the committed row of an AOR, nil when there is none.
func (t table) get(aor string) *row {
	found, err := t.db.Txn(false).First(tableName, indexName, aor)
	if err != nil {
		panic(err) // table, index and argument are constants of this file
	}
	r, _ := found.(*row)
	return r
}

// each calls fn for every row of one snapshot in the order of the AORs until it returns false.
func (t table) each(fn func(*row) bool) {
	rows, err := t.db.Txn(false).Get(tableName, indexName)
	if err != nil {
		panic(err) // table and index are constants of this file
	}
	for obj := rows.Next(); obj != nil; obj = rows.Next() {
		if !fn(obj.(*row)) {
			return
		}
	}
}

// write makes all of a group's rows visible in one transaction.
func (t table) write(group []*pending) error {
	txn := t.db.Txn(true)
	defer txn.Abort() // nothing after a Commit
	for _, p := range group {
		var err error
		switch {
		case p.after != nil:
			err = txn.Insert(tableName, p.after)
		case p.before != nil:
			err = txn.Delete(tableName, p.before)
		}
		if err != nil {
			return fmt.Errorf("location: write %s: %w", p.aor, err)
		}
	}
	txn.Commit()
	return nil
}
