-- Who may not judge a version: who had a part in it and in what it was made of, who speaks for whom, and who is whom.

-- Of no project: an account is the same human everywhere.
create table governance.linked_account (
  id                     uuid primary key,
  one                    text collate "C" not null,
  other                  text collate "C" not null,
  state                  text not null check (state in ('linked', 'unlinking', 'unlinked')),
  linked_by              text not null,
  linked_at              timestamptz not null,
  reason                 text not null,
  unlinking_requested_by text,
  unlinking_reason       text,
  unlinked_by            text,
  unlinked_at            timestamptz,
  stream                 text collate "C" not null,
  revision               integer not null
);

-- Of the project in_project, and of all where that is empty: every project must see those.
create table governance.delegation (
  id         uuid primary key,
  in_project text collate "C" not null,
  delegator  text not null,
  delegate   text not null,
  roles      jsonb not null,
  given_at   timestamptz not null,
  until      timestamptz not null,
  reason     text not null,
  revoked_at timestamptz,
  revoked_by text,
  stream     text collate "C" not null,
  revision   integer not null
);
create index delegation_list on governance.delegation (in_project, id);

create table governance.contribution (
  project_id text collate "C" not null,
  node       text collate "C" not null,
  person     text collate "C" not null,
  stream     text collate "C" not null,
  revision   integer not null,
  primary key (project_id, node, person)
);

create table governance.made_of (
  project_id text collate "C" not null,
  node       text collate "C" not null,
  source     text collate "C" not null,
  -- The declared link that says so, which can be withdrawn; empty where an event said it once and for all.
  link_id    text collate "C" not null,
  primary key (project_id, node, source, link_id)
);
create index made_of_link on governance.made_of (project_id, link_id) where link_id <> '';

-- Whose word it is, where the approver speaks by delegation.
alter table governance.approval
  add column on_behalf_of  text not null default '',
  add column delegation_id uuid;
