-- The journal of decisions, version 1; `upgrade.rs` brings it to the present one. Rows are only ever added; the triggers hold to that.
CREATE TABLE decision (
  seq INTEGER PRIMARY KEY,
  op_id TEXT NOT NULL UNIQUE,
  batch TEXT NOT NULL,
  tick INTEGER NOT NULL,
  coder TEXT NOT NULL,
  time TEXT NOT NULL,
  run TEXT NOT NULL,
  transcript TEXT NOT NULL,
  turn INTEGER NOT NULL,
  start INTEGER NOT NULL,
  "end" INTEGER NOT NULL,
  segment TEXT NOT NULL,
  quote TEXT NOT NULL,
  code TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN
    ('accept', 'reject', 'change', 'add', 'span', 'unsure', 'memo', 'done', 'undo', 'redo', 'settle')),
  verdict TEXT CHECK (verdict IN ('present', 'absent', 'unsure')),
  to_code TEXT,
  to_start INTEGER,
  to_end INTEGER,
  note TEXT,
  shown TEXT NOT NULL CHECK (shown IN ('suggestion', 'blind')),
  confidence REAL,
  target TEXT,
  request TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX decision_segment ON decision (transcript, segment, tick);
CREATE INDEX decision_batch ON decision (batch);
CREATE INDEX decision_coder ON decision (coder, tick);
CREATE INDEX decision_target ON decision (target, tick) WHERE target IS NOT NULL;
CREATE TRIGGER decision_is_never_changed BEFORE UPDATE ON decision
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER decision_is_never_deleted BEFORE DELETE ON decision
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- Where the chain of this copy ends, so that rows cut off its end are missed.
CREATE TABLE head (n_rows INTEGER NOT NULL, hash TEXT NOT NULL, tick INTEGER NOT NULL) STRICT;
INSERT INTO head VALUES (0, '', 0);

-- Decisions that are not undone.
CREATE VIEW live AS
  SELECT * FROM decision d
  WHERE action NOT IN ('undo', 'redo')
    AND coalesce((SELECT u.action FROM decision u WHERE u.target = d.batch
                  ORDER BY u.tick DESC, u.op_id DESC LIMIT 1), 'redo') = 'redo';

-- What holds now: the last word of every coder, and of the adjudication, on every segment and code.
CREATE VIEW present AS
  WITH mark AS (
    SELECT *, action = 'settle' AS settled FROM live WHERE verdict IS NOT NULL
    UNION ALL
    SELECT seq, op_id, batch, tick, coder, time, run, transcript, turn, start, "end", segment, quote, to_code,
           action, 'present', to_code, to_start, to_end, note, shown, NULL, target, request, prev_hash, hash, 0
    FROM live WHERE to_code IS NOT NULL
  ), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY iif(settled, '', coder), transcript, segment, code, settled
                                 ORDER BY tick DESC, op_id DESC) AS place FROM mark
  )
  SELECT coder, transcript, turn, start, "end", segment, quote, code, verdict, shown, confidence, settled, time, tick
  FROM ranked WHERE place = 1;

-- How the segments are shared out among coders: the last row holds.
CREATE TABLE plan (seq INTEGER PRIMARY KEY, time TEXT NOT NULL, body TEXT NOT NULL) STRICT;

-- Since which review a rule has been seen, for the order "newest rule first".
CREATE TABLE rule (id TEXT PRIMARY KEY, generation INTEGER NOT NULL) STRICT;
