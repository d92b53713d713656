COPY member.import_row (member_key, at, purchase_no, amount, store) FROM :'file';
SELECT * FROM member.import_purchases();
