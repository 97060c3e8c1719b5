alter table service drop powered;
alter table node drop life;
