-- What the server keeps. The comment at the end of each column's line says who may know it:
-- `sealed:` is ciphertext to the server, `known:` is what it knows, `public:` is what anyone may know.

create table server (
  one bigint primary key, -- known: always 1, since there is one row
  newest_at bigint not null, -- known: the newest time that was believed, so that a wrong clock is noticed
  folder {bytes} not null -- known: random name of the data folder that belongs to this database
);

create table account (
  account_id {bytes} primary key, -- known: which safe; a hash of random keys
  sequence bigint not null, -- known: how many statements its chain has
  head {bytes} not null, -- known: hash of the newest statement
  used_bytes bigint not null, -- known: sealed bytes that it stores or has reserved
  receipt_count bigint not null, -- known: how many receipts it was given
  log_index {bytes} not null unique, -- known: where its head stands in the log, random; the log shows the index, not whose it is
  log_place {bytes} not null, -- sealed: the same, with what opens the log's values
  earlier_roots {bytes} -- sealed: roots of earlier generations, under the newest one's vault key; null in the first
);

create table closed_account (
  account_hash {bytes} primary key -- known: hash of a closed safe's id, so that it cannot be opened again
);

create table statement (
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: whose
  sequence bigint not null, -- known: place in the chain
  generation bigint not null, -- known: of the keys under which it was said
  proof_sequence bigint, -- known: place of the statement that added the device which signed; null for the root
  bytes {bytes} not null, -- known: a signed sentence: ids, padded sizes, hashes, times, the handle, to which structure until when
  primary key (account_id, sequence)
);

create table generation (
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: whose
  generation bigint not null, -- known: which, from 2
  path {bytes} not null, -- known: the signed statements that lead to its keys from the first
  primary key (account_id, generation)
);

create table device (
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: whose
  device_id {bytes} not null, -- known: which device, random
  signing {bytes} not null, -- known: its public key
  primary key (account_id, device_id)
);

create table lock (
  lock_id {bytes} primary key, -- known: which lock, random; no two safes have one, since its PIN is tried under it
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: whose
  sequence bigint not null, -- known: statement that set it
  handle text unique, -- known: what is typed to find it, drawn by the device; null for other kinds than words
  record {bytes}, -- sealed: OPAQUE registration record of six words or a PIN
  held_id {bytes}, -- known: what finds it by what is held, derived from that secret; null for words
  held_signing {bytes}, -- known: public key that proves who holds it
  tries_left bigint, -- known: how often its PIN may still be wrong; null without a PIN
  root_wrap {bytes} not null, -- sealed: the root under the lock's key
  device_id {bytes}, -- known: with which device it goes; null for what no device keeps
  foreign key (account_id, device_id) references device (account_id, device_id) on delete cascade
);
create index lock_account on lock (account_id, device_id);
create index lock_held on lock (held_id, sequence);

create table pin_lock (
  lock_id {bytes} primary key -- known: a lock with a PIN that is or was, whose is not said: nobody registers for it again
);

create table held_use (
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: whose sheet, card, device or passkey was used
  nonce {bytes} not null, -- known: random, so that one use stays one
  kept_until bigint not null, -- known: when this row goes
  primary key (account_id, nonce)
);

create table session (
  token_hash {bytes} primary key, -- known: hash of a bearer token
  account_id {bytes} not null, -- known: whose session
  device_id {bytes} not null, -- known: on which device
  expires_at bigint not null, -- known: when it ends
  ended bigint not null, -- known: whether it was ended before
  kept_until bigint not null, -- known: when this row goes; until then its token cannot come back
  foreign key (account_id, device_id) references device (account_id, device_id) on delete cascade
);
create index session_device on session (account_id, device_id);

create table handle_tries (
  handle_key {bytes} primary key, -- known: keyed hash of a handle that was typed, whether or not it exists
  spent bigint not null, -- known: tries that were spent
  spent_at bigint not null -- known: when the newest was spent
);

create table envelope (
  envelope_id {bytes} primary key, -- known: which envelope, random
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: whose
  document_id {bytes} not null, -- known: of which document, random
  kind bigint not null, -- known: content, card or thumbnail
  prefix {bytes} not null, -- known: header (ids, version, padded size, salt) and key commitment
  sealed_bytes bigint not null, -- known: padded and sealed size
  sequence bigint, -- known: statement that names it; 0 for a deposit that waits; null while it is being uploaded
  touched_at bigint not null, -- known: when something of it last arrived
  whole {bytes} -- sealed: a card or thumbnail; null for content, which is a blob
);
create index envelope_account on envelope (account_id, sequence);
create index envelope_arriving on envelope (touched_at) where sequence is null;

create table part (
  envelope_id {bytes} not null references envelope (envelope_id) on delete cascade, -- known: of which upload
  part_index bigint not null, -- known: which part
  leaves {bytes} not null, -- known: hashes of its sealed chunks
  primary key (envelope_id, part_index)
);

create table doomed (
  envelope_id {bytes} primary key -- known: whose blob the next sweep removes
);

create table document (
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: whose
  document_id {bytes} not null, -- known: which document, random
  content_id {bytes} not null references envelope (envelope_id) on delete cascade, -- known: its content
  card_id {bytes} not null references envelope (envelope_id) on delete cascade, -- known: its card
  thumbnail_id {bytes} references envelope (envelope_id) on delete cascade, -- known: its picture
  version bigint not null, -- known: version of its content
  content_sequence bigint not null, -- known: statement that wrote the content
  card_sequence bigint not null, -- known: statement that wrote the card
  primary key (account_id, document_id)
);
create index document_content on document (content_id);
create index document_card on document (card_id);
create index document_thumbnail on document (thumbnail_id);

create table structure (
  structure_id {bytes} primary key, -- public: which structure; the hash of its founding
  name text not null, -- public: as its founder wrote it
  place text not null, -- public: as its founder wrote it
  searched text not null, -- public: name and place in lower case
  founder {bytes} not null, -- public: account of its manager
  sequence bigint not null, -- public: how many statements its chain has
  epoch bigint not null, -- public: newest recipient epoch
  key_id {bytes} not null, -- public: hash of that epoch's recipient key
  acceptance {bytes}, -- public: the operator's signed acceptance
  closed bigint not null, -- public: whether it has ended
  mls_epoch bigint not null, -- known: epoch of its group
  history {bytes} not null -- sealed: seeds and names, under the group's exported key
);

create table recovery (
  structure_id {bytes} not null references structure (structure_id) on delete cascade, -- known: of which structure
  number bigint not null, -- known: number of the member who sealed it
  mls_epoch bigint not null, -- known: in which epoch of its group
  bytes {bytes} not null, -- sealed: seeds and names, for whoever holds the structure's paper
  primary key (structure_id, number)
);

create table structure_statement (
  structure_id {bytes} not null references structure (structure_id) on delete cascade, -- public: whose
  sequence bigint not null, -- public: place in the chain
  bytes {bytes} not null, -- public: a signed sentence: keys, epochs, roster hashes and sizes
  primary key (structure_id, sequence)
);

create table certificate (
  structure_id {bytes} not null references structure (structure_id) on delete cascade, -- known: of which structure
  serial bigint not null, -- known: its serial number
  number bigint not null, -- known: the number under which owners see the member
  bytes {bytes} not null, -- known: a signed certificate: account, number, role, end; no name
  primary key (structure_id, serial)
);
create index certificate_number on certificate (structure_id, number);

create table member (
  structure_id {bytes} not null references structure (structure_id) on delete cascade, -- known: of which structure
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: who
  confirmed bigint not null, -- known: whether a manager has certified and committed
  serial bigint, -- known: serial number of the certificate; null until confirmed
  number bigint, -- known: the member's number; null until confirmed
  ends_at bigint, -- known: when the certificate ends; null until confirmed
  primary key (structure_id, account_id)
);
create index member_account on member (account_id);

create table welcome (
  structure_id {bytes} not null, -- known: into which group
  account_id {bytes} not null, -- known: of whom
  device_id {bytes} not null, -- known: for which device
  joined_epoch bigint not null, -- known: the group's epoch after it joined
  bytes {bytes} not null, -- sealed: MLS welcome
  primary key (structure_id, account_id, device_id),
  foreign key (structure_id, account_id) references member (structure_id, account_id) on delete cascade,
  foreign key (account_id, device_id) references device (account_id, device_id) on delete cascade
);
create index welcome_device on welcome (account_id, device_id);

create table leaf_request (
  structure_id {bytes} not null, -- known: in which group
  account_id {bytes} not null, -- known: who asks
  device_id {bytes} not null, -- known: for which device
  asked_at bigint not null, -- known: when
  bytes {bytes} not null, -- known: a signed request: account, device, key package
  primary key (structure_id, account_id, device_id),
  foreign key (structure_id, account_id) references member (structure_id, account_id) on delete cascade,
  foreign key (account_id, device_id) references device (account_id, device_id) on delete cascade
);
create index leaf_request_device on leaf_request (account_id, device_id);

create table motion (
  structure_id {bytes} not null, -- known: in which structure
  mover {bytes} not null, -- known: the manager who asks for it
  about {bytes} not null, -- known: who is to manage no more, or that the structure is to close
  made_at bigint not null, -- known: when, by the mover's clock
  bytes {bytes} not null, -- known: the signed motion
  primary key (structure_id, mover, about),
  foreign key (structure_id, mover) references member (structure_id, account_id) on delete cascade
);

create table mls_commit (
  structure_id {bytes} not null references structure (structure_id) on delete cascade, -- known: of which group
  mls_epoch bigint not null, -- known: epoch in which it was made
  bytes {bytes} not null, -- sealed: MLS commit
  request {bytes}, -- known: the signed request for a leaf that it answers; null for other commits
  primary key (structure_id, mls_epoch)
);

create table invitation (
  invitation_id {bytes} primary key, -- known: which invitation, derived from its secret
  structure_id {bytes} not null references structure (structure_id) on delete cascade, -- known: into what
  ends_at bigint not null, -- known: when it ends
  role bigint not null, -- known: as manager or worker
  used bigint not null, -- known: whether its newcomer was admitted
  bytes {bytes} not null, -- known: the signed invitation
  kept {bytes} not null, -- sealed: secret and name, for the manager who made it
  joiner {bytes}, -- known: account that answered
  answer {bytes} -- known: the newcomer's answer: account, device, key package; the name in it is sealed
);
create index invitation_structure on invitation (structure_id);

create table granted (
  grant_id {bytes} primary key, -- known: which grant, random
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: who gave
  structure_id {bytes} references structure (structure_id), -- known: to which structure; null for the owner's own
  ends_at bigint not null, -- known: until when
  sequence bigint not null, -- known: statement that gave
  received_at bigint not null, -- known: when the server took it in
  owner_wrap {bytes} not null, -- sealed: the grant's secret under the owner's vault key
  recipient_wrap {bytes}, -- sealed: the grant's secret, HPKE to the structure; null for the owner's own
  epoch bigint -- known: for which recipient epoch that is wrapped; null for the owner's own
);
create index granted_account on granted (account_id);
create index granted_structure on granted (structure_id);

create table granted_document (
  grant_id {bytes} not null references granted (grant_id) on delete cascade, -- known: under which grant
  document_id {bytes} not null, -- known: which document it covers
  primary key (grant_id, document_id)
);

create table wrap (
  grant_id {bytes} not null references granted (grant_id) on delete cascade, -- known: under which grant
  envelope_id {bytes} not null references envelope (envelope_id) on delete cascade, -- known: of which envelope
  wrap {bytes} not null, -- sealed: a document key under the grant key
  primary key (grant_id, envelope_id)
);
create index wrap_envelope on wrap (envelope_id);

create table rewrap_list (
  list_hash {bytes} primary key, -- known: hash of the list
  structure_id {bytes} not null references structure (structure_id) on delete cascade, -- known: of which structure
  bytes {bytes} not null -- known: signed by a member: which grants they wrapped again, or whether what others wrapped opens
);

create table rewrap (
  grant_id {bytes} not null references granted (grant_id) on delete cascade, -- known: of which grant
  epoch bigint not null, -- known: to which recipient epoch
  number bigint not null, -- known: number of the member who wrapped
  state bigint not null, -- known: whether it waits, is in force or was refused
  wrap {bytes}, -- sealed: the grant's secret, HPKE to the structure; null when it is in force
  list_hash {bytes} not null references rewrap_list (list_hash), -- known: in which signed list it is named
  checked_by bigint, -- known: number of the member who looked whether it opens; null when nobody did
  check_hash {bytes} references rewrap_list (list_hash), -- known: in which signed list they said so
  received_at bigint not null, -- known: when the server took it in
  primary key (grant_id, epoch, number)
);
create unique index rewrap_waiting on rewrap (grant_id) where state = 1;
create index rewrap_made on rewrap (list_hash);
create index rewrap_checked on rewrap (check_hash);

create table receipt (
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: whose safe was read
  number bigint not null, -- known: grows with each receipt of that safe
  receipt_hash {bytes} not null, -- known: hash of the receipt, so that a repeated one is stored once
  grant_id {bytes} not null, -- known: under which grant
  reader {bytes} not null, -- known: account that read
  document_id {bytes}, -- known: which document; null for the list
  version bigint, -- known: which version of it; null for the list
  epoch bigint, -- known: for which recipient epoch the grant's secret was wrapped again; null for whoever looked
  received_at bigint not null, -- known: when
  structure_id {bytes} not null, -- known: for which structure
  serial bigint not null, -- known: serial number of the reader's certificate
  bytes {bytes} not null, -- known: the reader's signed receipt
  primary key (account_id, number),
  unique (account_id, receipt_hash)
);
create index receipt_reader on receipt (grant_id, reader);

create table deposit (
  deposit_id {bytes} primary key, -- known: which deposit, random
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: for whom
  depositor {bytes} not null references account (account_id) on delete cascade, -- known: account that sealed it
  structure_id {bytes} not null references structure (structure_id) on delete cascade, -- known: for which structure
  serial bigint not null, -- known: serial number of the depositor's certificate
  envelope_id {bytes} not null, -- known: its content, while it waits
  state bigint not null, -- known: whether it waits, was taken or was refused
  sent_at bigint not null, -- known: when it came
  ends_at bigint not null, -- known: until when it waits
  bytes {bytes} not null, -- known: the signed deposit: ids, number, padded size, hashes, time; no name
  wrap {bytes}, -- sealed: its key, the depositor's name and words, HPKE to the owner; null when it waits no more
  kept {bytes} not null -- sealed: title, for the depositor
);
create index deposit_account on deposit (account_id, state, sent_at);
create index deposit_depositor on deposit (depositor, sent_at);
create index deposit_structure on deposit (structure_id);
create index deposit_ends on deposit (ends_at);

create table guardians (
  lock_id {bytes} primary key, -- known: under which lock guardians were named
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: for whom
  sequence bigint not null, -- known: statement that named them
  generation bigint not null, -- known: of the root that their lock wraps
  root_wrap {bytes} not null, -- sealed: that root, under what guardians put together
  note {bytes} not null, -- sealed: what the owner calls them, under the vault key
  ended_at bigint, -- known: when others were named, or nobody, or a generation began; null while it is so
  reopened_at bigint not null -- known: when others overruled what was so after them, whom they may overrule; 0 where nobody did
);
create index guardians_account on guardians (account_id, sequence);

create table kept_generation (
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: whose
  generation bigint not null, -- known: which, that is over and whose guardians may overrule the next
  log_place {bytes} not null, -- sealed: where its head stands in the log, under that generation's vault key
  earlier_roots {bytes}, -- sealed: roots of the generations before, under the same; null in the first
  grant_id {bytes} not null, -- known: the owner's own grant
  owner_wrap {bytes} not null, -- sealed: that grant's secret under the same
  primary key (account_id, generation)
);

create table kept_wrap (
  envelope_id {bytes} not null references envelope (envelope_id) on delete cascade, -- known: of which envelope
  generation bigint not null, -- known: of which generation
  wrap {bytes} not null, -- sealed: a document key under the grant key of that generation
  primary key (envelope_id, generation)
);

create table kept_owner_wrap (
  grant_id {bytes} not null references granted (grant_id) on delete cascade, -- known: of which grant
  generation bigint not null, -- known: of which generation
  owner_wrap {bytes} not null, -- sealed: the grant's secret under that generation's vault key
  primary key (grant_id, generation)
);

create table guardian (
  lock_id {bytes} not null, -- known: under which lock they were named
  number bigint not null, -- known: under which number
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: for whom
  structure_id {bytes} references structure (structure_id), -- known: which structure is a guardian; null for others
  guardian_id {bytes} references account (account_id) on delete cascade, -- known: which account is a guardian; null for others
  held_id {bytes}, -- known: what finds a guardian's paper, derived from its secret; null for others
  held_signing {bytes}, -- known: public key that proves who holds that paper
  wrap {bytes} not null, -- sealed: the owner's words and what the guardian holds, HPKE to them
  primary key (lock_id, number)
);
create index guardian_account on guardian (account_id);
create index guardian_structure on guardian (structure_id);
create index guardian_guardian on guardian (guardian_id);

create table comeback (
  return_id {bytes} primary key, -- known: which return; hash of what a guardian signed
  account_id {bytes} not null references account (account_id) on delete cascade, -- known: whose safe
  lock_id {bytes} not null, -- known: under which configuration of guardians
  generation bigint not null, -- known: in which generation of the safe
  begun_by {bytes} not null, -- known: which structure or account is the guardian who began it
  count bigint not null, -- known: the how-manieth of that guardian in that generation
  offer {bytes} not null, -- known: public keys of whoever comes back
  held_id {bytes} not null unique, -- known: what finds it by the return card, derived from its secret
  began_at bigint not null, -- known: when it began
  strict bigint not null, -- known: whether another was stopped before
  state bigint not null, -- known: whether it is open, was stopped, is over or done
  entered bigint not null, -- known: when what guardians sealed was last given out; 0 where it was not
  opened_at bigint not null, -- known: when its person last opened the safe with it; 0 where they did not
  ended_at bigint, -- known: when it ended; null while it is open
  tries_left bigint not null, -- known: how often its PIN may still be wrong
  said {bytes} not null, -- known: the guardian's signed word that it began: ids, time; no name
  unique (account_id, generation, begun_by, count)
);
create index comeback_account on comeback (account_id, state);
create index comeback_lock on comeback (lock_id);
create index comeback_ended on comeback (ended_at);

create table vouch (
  return_id {bytes} not null references comeback (return_id) on delete cascade, -- known: for which return
  number bigint not null, -- known: which guardian
  account_id {bytes} not null, -- known: who vouched
  manner bigint not null, -- known: whether they met
  received_at bigint not null, -- known: when
  bytes {bytes} not null, -- known: the signed vouch: ids, time; no name
  sealed {bytes} not null, -- sealed: what the guardian holds, HPKE to whoever comes back
  primary key (return_id, number),
  unique (return_id, account_id)
);

create table vouch_place (
  return_id {bytes} not null, -- known: for which return
  number bigint not null, -- known: which guardian vouched
  structure_id {bytes} not null, -- known: a structure in which whoever vouched worked then
  primary key (return_id, number, structure_id),
  foreign key (return_id, number) references vouch (return_id, number) on delete cascade
);

create table log_waiting (
  log_index {bytes} not null, -- public: of what, as the log will show it
  value {bytes} not null, -- public: a hash, as the log will show it
  sequence bigint not null, -- public: place of the statement in its chain
  is_head bigint not null, -- public: whether it stands in the map only; 2 for what goes last
  primary key (log_index, value)
);

create table log_published (
  size bigint primary key, -- public: leaves of the newest checkpoint, as far as the database knows
  root {bytes} not null -- public: root of its tree
);
