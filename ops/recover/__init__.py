"""After an `up` that was killed: takes away what it had begun, so that the next `up` can continue.

Pulumi notes each operation before it starts (a pending operation). Killed in between, it knows that a thing may exist
but not its id, and the next `up` would fail on the taken address or make a second one. Helm does the same: it refuses a
release whose last operation has not ended. This finds such things, deletes those that are ours and that no state knows,
and clears the notes.

Two rules keep it from the work of others:

- **Nobody else runs.** What may be deleted is listed first. Then the engine takes the stack's lock and releases it,
  which it refuses while another Pulumi runs (ops.recover.engine). Then the state is read once more. What was there
  before the lock was free, and is not in the state after it, is nobody's: neither of an `up` that ran before, which
  would have recorded it, nor of one that begins later.
- **It is ours.** Project, name, tag, and that nothing uses it (ops.recover.ownership). Where that cannot be seen, a
  thing stays, and is named.
"""
