COPY bench.purchase (member_key, at, purchase_no, amount, store) FROM :'file';
