-- Of which project a row is, where it does not say so itself: ledger.separate_projects reads it.
comment on table governance.policy_set is 'project: none, because the policies of the gates hold for the whole installation';
comment on table governance.approval is 'project: by approval_case_id of approval_case';
comment on table governance.delegation is 'project: none, because one may hold in every project, and whose delegate somebody is must be known wherever they judge';
comment on table governance.linked_account is 'project: none, because which accounts are one human must be known wherever they judge';
