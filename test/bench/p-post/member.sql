SELECT rows_read, rows_loaded FROM member.import_points();
