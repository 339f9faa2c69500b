-- Rows in every table, and a value in every column, with what is odd: no value, no bytes, texts of other
-- scripts, the highest number.
INSERT INTO setting (name, value) VALUES ('server_names', '["localhost"]');
UPDATE counter SET value = 7 WHERE name = 'scope';
INSERT INTO root (version, by_itself, by_previous) VALUES (1, x'00ff', NULL), (2, x'01', x'');
INSERT INTO policy (hash, scope, document) VALUES (x'aa', 'icu', x'a1');
INSERT INTO scope (name, epoch, seq, policy, halted, created, changed)
    VALUES ('icu', 3, 9223372036854775807, x'aa', NULL, 1, 2), ('手術室', 1, 0, x'aa', 'why', 1, 0);
INSERT INTO person (id, login, display_name, language, user_handle, status, created, changed)
    VALUES (1, 'yamada', '山田 花子', 'ja', x'01', 'active', 1, 1),
           (4, 'sato', 'O''Brien "x" $1', 'en', x'02', 'deleted', 1, 1);
INSERT INTO person_group (person, name) VALUES (1, 'nurses');
INSERT INTO person_scope (person, scope) VALUES (1, 'icu');
INSERT INTO credential (id, person, credential_id, fingerprint, public_key, rp_id, aaguid, flags, cred_protect,
        status, label, enrolled, counter)
    VALUES (2, 1, x'0102', x'03', x'04', 'wardkey.test', x'00', 5, 2, 'active', '', 1, 0);
INSERT INTO state (scope, login, seq, record) VALUES ('icu', 'yamada', 1, x'05'), ('icu', 'sato', 2, NULL);
INSERT INTO terminal (id, number, name, machine, status, serial, certificate_end, joined, changed)
    VALUES (x'10', 1, 'ward-1', x'11', 'active', x'12', 9, 1, 1);
INSERT INTO terminal_scope (terminal, scope) VALUES (x'10', 'icu');
INSERT INTO join_token (id, secret, uses, created, expires, replaces) VALUES (x'20', x'21', 0, 1, 2, x'10');
INSERT INTO join_token_scope (token, scope) VALUES (x'20', 'icu');
INSERT INTO join_use (token, machine, nonce, time) VALUES (x'20', x'11', x'22', 1);
INSERT INTO enrollment_code (id, hash, person, created, expires) VALUES (3, x'23', 1, 1, 2);
INSERT INTO event (seq, id, received, time, terminal, name, outcome, credential, verdict, document)
    VALUES (1, x'30', 1, 1, x'10', 'login', 'success', 2, 'valid', x'31'),
           (2, x'32', 1, 1, x'10', 'heartbeat', 'success', NULL, 'none', x'');
INSERT INTO audit (seq, time, actor, action, object, chain) VALUES (1, 1, 'server', 'init', 'x', zeroblob(32));
INSERT INTO signing_clock ("only", signed, confirmation) VALUES (1, 5, 1);
INSERT INTO intake (terminal, day, events, bytes, noted) VALUES (x'10', 20000, 2, 9, 0);
INSERT INTO event_set_aside (hash, terminal, received, reason, document) VALUES (x'33', x'10', 1, 'why', x'34');
INSERT INTO pass (number, id, person, salt, key, begins, until, scope, issuer, reason)
    VALUES (1, x'40', 1, x'41', x'42', 1, 2, 'icu', 'desk', 'forgot');
INSERT INTO restored_scope (scope, epoch, seq) VALUES ('icu', 2, 1);
UPDATE event_log SET generation = 2, size = 2, root = zeroblob(32), signed = 1, mark = zeroblob(8);
INSERT INTO event_log_entry (position, event, hash) VALUES (0, 1, zeroblob(32)), (1, 2, zeroblob(32));
INSERT INTO event_log_node (level, position, hash) VALUES (1, 0, zeroblob(32));
INSERT INTO log_archive (number, first, size, root, origin, made, sha256, bytes, path, own)
    VALUES (1, 0, 2, zeroblob(32), 'log', 1, x'35', 9, '/srv/1', 1);
INSERT INTO log_prune (number, archive, records, signed) VALUES (1, 1, 1, x'36');
INSERT INTO event_log_pruned (position, event, id, hash, document, prune)
    VALUES (7, 8, x'37', zeroblob(32), x'38', 1);
INSERT INTO terminal_tag (terminal, name) VALUES (x'10', 'east');
INSERT INTO terminal_position (terminal, scope, epoch, seq) VALUES (x'10', 'icu', 3, 1);
INSERT INTO log_witness (terminal, key, origin, size, root, signature, received)
    VALUES (x'10', x'50', 'log', 2, zeroblob(32), 'sig', 1);
INSERT INTO loan (number, id, credential, person, begins, until, lender, reason)
    VALUES (1, x'60', 2, 1, 1, 2, 'desk', 'lost');
INSERT INTO api_key (id, hash, name, role, everywhere, created, expires)
    VALUES (x'70', x'71', 'watch', 'auditor', 0, 1, 2);
INSERT INTO api_key_scope (api_key, scope) VALUES (x'70', 'icu');
INSERT INTO api_answer (api_key, name, request, answer, time) VALUES (x'70', 'n', x'72', x'73', 1);
INSERT INTO break_glass (number, id, person, salt, key, begins, until, scope, issuer, reason)
    VALUES (1, x'80', 1, x'81', x'82', 1, 2, 'icu', 'desk', 'why');
INSERT INTO break_glass_use (sealed, event, terminal, time) VALUES (1, x'83', x'10', 1);
INSERT INTO administrator (person, role, everywhere, since, given_by) VALUES (1, 'owner', 1, 1, 'unix:root');
INSERT INTO administrator_scope (person, scope) VALUES (1, 'icu');
INSERT INTO web_session (hash, person, credential, began, seen) VALUES (x'90', 1, 2, 1, 1);
INSERT INTO web_challenge (challenge, until) VALUES (x'91', 1);
INSERT INTO person (id, login, display_name, language, user_handle, not_before, not_after, status, created,
        changed, kind, latin_name)
    VALUES (3, 'loaner-1', '貸出 1', 'ja', x'03', -1, 9, 'active', 1, 1, 'loaner', 'Kashidashi 1');
INSERT INTO terminal (id, number, name, machine, status, serial, previous_serial, certificate_end, joined,
        revoked, seen, address, changed, key, version, capabilities, deleted, root_version, came_by,
        issuer, certificate_begin)
    VALUES (x'13', 2, 'ward-2', x'14', 'revoked', x'15', x'16', 9, 1, 2, 2, '192.0.2.1', 2, x'17', '0.1.0',
        'a b', 3, 2, 'wardkey.test', x'19', 8);
INSERT INTO credential (id, person, credential_id, fingerprint, public_key, rp_id, aaguid, flags, cred_protect,
        status, label, enrolled, counter, attestation_format, attestation, last_used, last_terminal,
        clone_suspected, suspicion_cleared, min_pin_length, disabled, own_name)
    VALUES (5, 3, x'06', x'07', x'08', 'wardkey.test', x'00', 5, 3, 'disabled', 'box', 1, 4294967295, 'packed',
        x'09', 7, x'10', 8, 9, 6, 8, '青');
INSERT INTO join_token (id, secret, uses, created, expires, revoked) VALUES (x'24', x'25', 9, 1, 2, 2);
INSERT INTO join_use (token, machine, nonce, time, key, certificate)
    VALUES (x'24', x'14', x'26', 1, x'27', x'28');
INSERT INTO enrollment_code (id, hash, person, created, expires, used) VALUES (9, x'29', 3, 1, 2, 2);
INSERT INTO event (seq, id, received, time, terminal, name, outcome, reason, person, account, service,
        credential, counter, verdict, finding, document, stage)
    VALUES (3, x'39', 1, 1, x'13', 'login', 'failure', 1203, 'yamada', 'nurse', 'sudo', 5, 1, 'invalid',
        'counter', x'3a', 'online');
INSERT INTO audit (seq, time, actor, action, object, reason, detail, chain)
    VALUES (2, 2, 'unix:root', 'person.add', '山田', 'new', 'a=1', zeroblob(32));
UPDATE signing_clock SET refused_wall = 9, refused_expected = 6;
INSERT INTO pass (number, id, person, salt, key, begins, until, terminal, issuer, reason, used, ended, ended_by)
    VALUES (2, x'43', 3, x'44', x'45', 1, 2, x'13', 'desk', 'forgot', 2, 2, 'key');
INSERT INTO loan (number, id, credential, person, begins, until, lender, reason, used, ended, ended_by, returned)
    VALUES (2, x'61', 5, 3, 1, 2, 'desk', 'lost', 2, 2, 'return', 3);
INSERT INTO api_key (id, hash, name, role, everywhere, created, expires, disabled, used)
    VALUES (x'74', x'75', 'old', 'auditor', 1, 1, 2, 2, 1);
INSERT INTO break_glass (number, id, person, salt, key, begins, until, scope, issuer, reason, used, used_at, uses,
        cleared, ended, ended_by)
    VALUES (2, x'84', 3, x'85', x'86', 1, 2, '手術室', 'desk', 'why', 2, x'13', 1, 3, 2, 'use');
INSERT INTO administrator (person, role, everywhere, since, given_by, until)
    VALUES (3, 'auditor', 0, 1, 'yamada', 9);
INSERT INTO desk_session (number, terminal, account, began, person, screen, told, rank)
    VALUES (1, x'10', 'ward3pc', 1, 'yamada', 'open', 1, 0);
INSERT INTO desk_session (number, terminal, account, began, session, person, key, service, tty, seat, since,
        screen, screen_since, screen_reason, told, rank)
    VALUES (7, x'13', 'sato', 2, 'c2', 'sato', '8f14e45fceea167a', 'gdm-password', '/dev/tty2', 'seat0', 2,
        'locked', 3, 1405, 3, 1);
INSERT INTO desk_session_ended (terminal, account, began, noted) VALUES (x'10', '山田', 1, 2);
INSERT INTO desk_doubt (terminal, time) VALUES (x'13', 9);
INSERT INTO record_destination (place, name, secret, listed, position)
    VALUES ('collector.test:6514', 'tls-fin://collector.test:6514', x'b0', 1, 3);
INSERT INTO record_destination (place, name, secret, listed, position, refused, pruned, untold, failed, code, said)
    VALUES ('/srv/記録', 'file:///srv/記録', x'b1', 0, 4, 1, 2, 1, 5, 1418, 'no room');
