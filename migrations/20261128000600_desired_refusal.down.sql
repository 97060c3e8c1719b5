drop table desired_refusal;
