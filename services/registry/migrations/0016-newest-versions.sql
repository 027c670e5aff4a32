-- The newest version of a model in each state, and in each of MLflow's stages. By -version, which no other index is sorted by:
-- where nearly all versions are in one state, PostgreSQL takes any row for a hit, walked the unique (model_id, version) instead,
-- and read all of a model's versions to learn that none is retired.
create index model_version_newest_first on registry.model_version (model_id, state, (-version)) where deleted_at is null;
create index model_version_stage_first on registry.model_version (model_id, stage, (-version)) where deleted_at is null;
drop index registry.model_version_newest;
drop index registry.model_version_stage;
