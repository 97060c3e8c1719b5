drop table denial;
