-- Files whose records are not those of their table.
TEST 'fixtures' FOR 'jobs/revenue.sql';
GIVEN orders FROM 'fixtures/fields.jsonl';
GIVEN orders FROM 'fixtures/value.jsonl';
GIVEN orders FROM 'fixtures/name.csv';
GIVEN orders FROM 'fixtures/order.csv';
GIVEN orders FROM 'fixtures/more.csv';
GIVEN orders FROM 'fixtures/value.csv';
EXPECT revenue ROWS 0;
