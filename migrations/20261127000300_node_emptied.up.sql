-- A node that has given away all it had is kept down from then on, and forgotten once it is.

alter table node drop constraint node_life;
alter table node add constraint node_life
    check (life in ('active', 'joining', 'leaving', 'emptied'));
