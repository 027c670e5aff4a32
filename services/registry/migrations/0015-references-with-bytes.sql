-- A version by reference may have its bytes here, and then it has a digest, too. MLflow's users register one source twice on purpose.
drop index registry.model_version_artefact_once;
create unique index model_version_artefact_once on registry.model_version (model_id, artefact_digest) where deleted_at is null and artefact_digest <> '' and artefact_location = '';
