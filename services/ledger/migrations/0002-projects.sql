-- Of which project a row is, where it does not say so itself: ledger.separate_projects reads it.
comment on table webhooks.secret is 'project: by webhook_id of webhook';
comment on table webhooks.delivery is 'project: by webhook_id of webhook';
