alter table service drop terminating, drop tags;
