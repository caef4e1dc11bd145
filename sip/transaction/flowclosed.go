package transaction

import "slices"

// FlowClosed reports that a connection has ended, to the client transactions whose request went by it and that nobody
// has answered: what was written but not read may never have arrived, and nothing else would say so before Timer B or
// F. A peer that has sent a provisional response got the request. It can answer by a connection of its own (RFC 3261
// §18.2.2), unless the request had to go by this very one: then nobody knows another way between the two.
func (t *Table) FlowClosed(conn uint64, err error) {
	for _, c := range slices.Clone(t.conns[conn]) {
		if c.conn != conn {
			continue // a callback has ended it meanwhile
		}
		if c.state == Proceeding && c.flow.Conn == 0 {
			c.leaveConnection()
			continue
		}
		c.Fail(err)
	}
}

// sendFirst sends the request and notes the connection it goes by.
func (c *Client) sendFirst() {
	conn := c.table.cfg.Send(c.flow, c.serverName, c.bytes)
	if conn == 0 {
		return
	}
	list := c.table.conns[conn]
	c.conn, c.place = conn, uint32(len(list))
	c.table.conns[conn] = append(list, c)
}

func (c *Client) leaveConnection() {
	if c.conn == 0 {
		return
	}
	list := c.table.conns[c.conn]
	last := len(list) - 1
	list[c.place] = list[last]
	list[c.place].place = c.place
	list[last] = nil
	if last == 0 {
		delete(c.table.conns, c.conn)
	} else {
		c.table.conns[c.conn] = list[:last]
	}
	c.conn = 0
}
