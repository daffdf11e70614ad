-- What several servers on one database share: the objects of a bucket, and what lives for minutes. `{unlogged}` keeps
-- the last out of PostgreSQL's write-ahead log, its copies and a crash: whoever was on their way begins again.

create table object (
  name {bytes} primary key, -- known: the random name of an object in the bucket, which is there before the object
  envelope_id {bytes} not null references envelope (envelope_id) on delete cascade, -- known: of which upload
  part_index bigint not null, -- known: which part
  counts bigint not null, -- known: whether the part counts on it
  begun_at bigint not null -- known: when it was begun
);
create unique index object_part on object (envelope_id, part_index) where counts = 1;
create index object_begun on object (begun_at) where counts = 0;

create table installation (
  one bigint primary key, -- known: always 1, since there is one row
  bucket {bytes} not null -- known: random mark that its bucket holds as well, so that another is noticed
);

create table secret_mark (
  name text primary key, -- known: a file of the folder of secrets
  mark {bytes} not null -- known: what follows from that file and is no secret, such as a public key, so that servers with other secrets are noticed
);

create {unlogged} table unlocking (
  unlock_id {bytes} primary key, -- known: which unlocking, random
  login {bytes} not null, -- known: state of OPAQUE between its second and third message: says whether the third is right, nothing of the words
  tries_key {bytes}, -- known: keyed hash of the handle whose try it was; null for a PIN
  lock_id {bytes}, -- known: whose PIN, or what it opens; null where there is no such handle
  account_id {bytes}, -- known: of which safe; null where there is none
  ends_at bigint not null -- known: when it is over
);
create index unlocking_lock on unlocking (lock_id);
create index unlocking_ends on unlocking (ends_at);

create {unlogged} table unlock_rest (
  rest_id {bytes} primary key, -- known: names the rest of a long chain, random
  account_id {bytes} not null, -- known: whose chain
  lock_id {bytes} not null, -- known: which lock was opened
  ends_at bigint not null -- known: when it may no longer be asked for
);
create index unlock_rest_ends on unlock_rest (ends_at);

create {unlogged} table link (
  link_id {bytes} primary key, -- known: hash of an offer: which computer waits
  offer {bytes} not null, -- known: public keys of a computer that asks to be let in
  account_id {bytes}, -- known: who answered; null while nobody did
  answer {bytes}, -- sealed: to that computer, what lets it in
  ends_at bigint not null -- known: until when it waits
);
create index link_waiting on link (ends_at) where answer is null;
create index link_ends on link (ends_at);
create index link_account on link (account_id);

create table turn (
  structure_id {bytes} not null references structure (structure_id) on delete cascade, -- known: of which structure
  account_id {bytes} not null, -- known: which member said something of it
  earned_at bigint not null, -- known: when all that they said will have been earned again
  primary key (structure_id, account_id)
);
create index turn_earned on turn (earned_at);

create table log_note (
  name text primary key, -- public: the newest checkpoint, or the newest that is cosigned enough
  size bigint not null, -- public: leaves that it covers
  checkpoint text not null -- public: the checkpoint with its signatures
);
