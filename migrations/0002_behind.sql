-- What came back from a backup, and is not as new as the log says it was.

create table behind (
  account_id {bytes} primary key references account (account_id) on delete cascade -- known: a safe of which nothing is given out: what was taken back since the backup is not known
);
