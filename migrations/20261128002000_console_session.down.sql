drop table console_sign_in;
drop table console_session;
