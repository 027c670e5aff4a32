-- Of which project a row is, where it does not say so itself: ledger.separate_projects reads it.
comment on table registry.version_counter is 'project: none, because it holds a number for each name, and names no row';
comment on table registry.openlineage_push is 'project: none, because it says how far one server was told of everything';
comment on table registry.logged_file is 'project: by owner_id of run or logged_model';
comment on table registry.traffic is 'project: by model_version_id of model_version';
comment on table registry.model_alias is 'project: by model_id of model';
comment on table registry.dataset_derivation is 'project: by dataset_version_id of dataset_version';
comment on table registry.lineage_edge is 'project: by from_key of lineage_node';
comment on table registry.ai_system_pin is 'project: by ai_system_version_id of ai_system_version';
comment on table registry.run_metric_point is 'project: by run_id of run';
comment on table registry.run_metric is 'project: by run_id of run';
comment on table registry.run_dataset is 'project: by run_id of run';
comment on table registry.mlflow_webhook_delivery is 'project: by webhook_id of mlflow_webhook';
comment on table registry.linked_account is 'project: none, because which accounts are one human must be known wherever they judge';
