-- Without their data keys, sealed secrets cannot be opened by anybody, ever.
do $$
begin
    if exists (select from secret_value where data_key_id is not null) then
        raise exception 'secrets are sealed: without the table data_key nobody could open them';
    end if;
end
$$;

drop view secret_value;
drop table data_key;
