-- How far the server has come with reading again everything that it stores.

create table scrub (
  slice bigint primary key, -- known: a part of all that is stored, by the first byte of its ids; behind those the database itself and the log
  begun_at bigint not null, -- known: when a server began to read it, or last said that it still does
  read_at bigint not null, -- known: when it was last read to its end
  damaged bigint not null -- known: how many things in it were then not as they came
);
