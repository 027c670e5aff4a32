-- Which accounts are one human, as governance says: nobody reviews under one account what he wrote under another.
create table registry.linked_account (
  id    uuid primary key,
  one   text collate "C" not null,
  other text collate "C" not null
);
