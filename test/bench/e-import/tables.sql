-- The alternative: the rows of the file in a bare table with a primary key.
CREATE TABLE bench.purchase (
    member_key  text NOT NULL,
    at          timestamptz NOT NULL,
    purchase_no text PRIMARY KEY,
    amount      numeric(14,2) NOT NULL,
    store       text
);
