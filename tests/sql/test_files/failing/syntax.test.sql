GIVEN orders VALUES (1);
TEST without a name;
TEST 'syntax' FOR 'jobs/revenue.sql';
GIVEN orders VALUES (1, 'open;
