-- Which project has brought which bytes. They are kept once for all projects; whoever knows a digest from elsewhere gets
-- nothing by it. Nothing of this is in the ledger: what was uploaded and never registered has left no event.
create table registry.project_artefact (
  project_id text collate "C" not null,
  digest     text collate "C" not null,
  brought_at timestamptz not null default now(),
  primary key (project_id, digest)
);

-- What was registered before, in every project, whoever migrates. What was only uploaded has to be uploaded once more, which costs the way and no place.
select set_config('vitae.projects', '*', true);
insert into registry.project_artefact (project_id, digest)
  select project_id, digest from registry.dataset_version
  union
  select v.project_id, file ->> 'digest' from registry.model_version v, jsonb_array_elements(v.files) file where file ->> 'digest' is not null
  union
  select project_id, bundle_digest from registry.model_version_signature
  union
  select o.project_id, f.digest from registry.logged_file f join (select id, project_id from registry.run union all select id, project_id from registry.logged_model) o on o.id = f.owner_id;
