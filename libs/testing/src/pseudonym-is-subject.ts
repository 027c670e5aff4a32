/**
 * In a database of specs the pseudonym of a person is the subject of the token (`ben`), so that a spec can say who without a
 * look into a table. Only a function of the database is another one there: the services' code and migrations are what they
 * are everywhere, and no setting exists by which a service in production could be made to do this. As the schema `access` is
 * made later, by the service that is booted, a trigger waits for it. A subject that is taken (an account after an erasure,
 * another issuer) gets a random id. A spec about pseudonyms does `drop event trigger pseudonym_is_subject` before it boots.
 */
export const pseudonymIsSubject = `
create function public.pseudonym_is_subject() returns event_trigger language plpgsql as $trigger$
declare
  made regprocedure := to_regprocedure('access.new_pseudonym(text)');
begin
  if made is null or not exists (select from pg_event_trigger_ddl_commands() c where c.classid = 'pg_proc'::regclass and c.objid = made)
    or starts_with(obj_description(made, 'pg_proc'), 'of specs') then
    return;
  end if;
  comment on function access.new_pseudonym(text) is 'of specs'; -- first: what follows comes here again
  create or replace function access.new_pseudonym(p_subject text) returns text language sql volatile as
  $$ select case when exists (select from access.person where id = p_subject) then 'psn_' || replace(gen_random_uuid()::text, '-', '') else p_subject end $$;
end $trigger$;
create event trigger pseudonym_is_subject on ddl_command_end when tag in ('CREATE FUNCTION') execute function public.pseudonym_is_subject();
`;
