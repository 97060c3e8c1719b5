drop table node_metric;
