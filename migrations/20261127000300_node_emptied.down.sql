update node set life = 'leaving' where life = 'emptied';
alter table node drop constraint node_life;
alter table node add constraint node_life check (life in ('active', 'joining', 'leaving'));
