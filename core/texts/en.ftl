# What people are told: one sentence or two per code, what happened and what to do next.
# The names of variables must be those of ja.ftl (build.rs checks it).

## 10xx: refusals of the decision

wk-1001 = Name and security key do not match. Please check the name and the key.
wk-1002 = This person is disabled. Please contact your administrator.
wk-1003 = Your access has not begun yet. Please ask your administrator for the first day.
wk-1004 = Your access has ended. Please ask your administrator to extend it.
wk-1005 = This security key is disabled. Please use another key or contact your administrator.
wk-1006 = You may not use this account. Please log in with your own account.
wk-1008 = Too many failures. Please try again in { $seconds } seconds.
wk-1009 = Security keys do not work in remote sessions. Please log in at the terminal itself.
wk-1010 = This terminal is disabled. Please use another one and contact your administrator.
wk-1011 = Offline for long: only people who have used this terminal before can log in. Please use another terminal.
wk-1012 = Offline for long: this cannot be done now. Please wait until the network is back.
wk-1013 = Offline for very long: only emergency staff can log in. Please contact your administrator.
wk-1014 = Offline for too long: nobody can log in. Please contact your administrator.
wk-1015 = The key's signature is not right. Please try again; if it stays, contact your administrator.
wk-1016 = The key did not check the PIN. Please try again.
wk-1017 = The key did not report a touch. Please try again.
wk-1018 = This key was registered for another organisation. Please use the one registered here.
wk-1019 = The key differs from when it was registered. Please contact your administrator.
wk-1020 = Time is up. Please start again.
wk-1021 = This key may have been copied and cannot be used. Please contact your administrator at once.
wk-1022 = The answer belongs to another login. Please try again; if it stays, contact your administrator.
wk-1023 = The key holds somebody else's registration. Please contact your administrator.
wk-1025 = This answer was used before. Please start again.
wk-1026 = The key's answer could not be read. Please unplug it, plug it in and try again.
wk-1027 = You may not ask for somebody else's account. Please use your own.
wk-1030 = This terminal's clock is too far ahead: nobody can log in. Ask your administrator to set it right.

## 11xx: the signed directory

wk-1101 = The server's keys could not be verified. Please contact your administrator.
wk-1102 = This terminal's document could not be verified. Please contact your administrator.
wk-1103 = The directory's signature could not be verified. Please contact your administrator.
wk-1104 = The directory is older than one received before. Please contact your administrator at once.
wk-1105 = Two different directories with the same number were received. Please contact your administrator at once.
wk-1106 = The policy is not the one of the directory. Please contact your administrator.
wk-1107 = The directory's record could not be verified. Please contact your administrator.
wk-1108 = The directory's scopes are not those of this terminal. Please contact your administrator.
wk-1109 = This terminal's trust anchor cannot be read. Administrator: see WK-1109 in the guide.
wk-1110 = This terminal's anti-rollback state (marks) cannot be read. Please contact your administrator.
wk-1111 = The server is behind this terminal. Administrator: follow the steps for a restored server.
wk-1121 = The server's clock may be wrong, so the server signs nothing new. Please check the clock.
wk-1122 = The answer about the server's time is not signed by it. Please tell your administrator.

## 12xx: the security key

wk-1201 = Please insert your security key.
wk-1202 = Enter the PIN, then touch the key:{ " " }
wk-1203 = Wrong PIN. Tries left: { $tries }.
wk-1204 = Wrong PIN several times. Please unplug the key, plug it in and try again.
wk-1205 = Wrong PIN too often: this key is blocked. Please ask your administrator to register it anew.
wk-1206 = This key has no PIN. Please contact your administrator.
wk-1207 = The key's PIN must be changed first. Please ask your administrator.
wk-1208 = Please touch the key.
wk-1209 = The key was not touched in time. Please start again.
wk-1210 = The key was removed. Please insert it and try again.
wk-1211 = Cancelled.
wk-1212 = The key did not answer as it should. Please unplug it, plug it in and try again.
wk-1213 = No PIN was entered. Please try again.
wk-1214 = No key was inserted. Please have your key ready and try again.
wk-1215 = A PIN cannot have this length. Please check it and try again.
wk-1216 = The key is in use elsewhere on this terminal. Please try again when that is done.
wk-1217 = This PIN does not follow the rules. Please choose a longer or a different one.
wk-1218 = The key has no room left. Please use another key, or delete a registration with its maker's tool.
wk-1219 = Key of { $name }. Enter the PIN, then touch the key:{ " " }
wk-1220 = (tries left: { $tries }):{ " " }
wk-1221 = This key is registered already. You can use it as it is.
wk-1222 = This key cannot be used. Please use a FIDO2 key with a PIN and room for registrations.
wk-1223 = Several security keys are plugged in. Please leave only the one that is meant.
wk-1224 = This key cannot be used: it does not identify itself without its PIN. Please use another key.
wk-1225 = A plugged-in device proved nothing and is passed over. If nobody knows it, tell an administrator.
wk-1226 = Several registered keys are plugged in. Please touch your own.
wk-1227 = The key that is plugged in is not registered for this name. Check the name, or insert yours.
wk-1240 = Please wait: your key is being looked up. This takes longer the first time at a terminal.
wk-1241 = Full-width letters or kana were typed. Please turn the input method off, and type the PIN again.
wk-1242 = The new PIN is the same as now. Please choose another one.
wk-1243 = The two new PINs are not the same. Please type the new PIN again.
wk-1244 = It is not known if the PIN was changed. Log in with the new PIN, or with the one before.
wk-1245 = Key of { $name }. Type the PIN that it has now:{ " " }
wk-1246 = New PIN ({ $least } characters or more):{ " " }
wk-1247 = New PIN once more:{ " " }
wk-1248 = The PIN of this key has been changed. It holds at every terminal.
wk-1249 = No key? Type your code, or 0 to be let in by a colleague. With a key: insert it, then press Enter:{ " " }
wk-1250 = No key? Type your name, a space and your code, or 0 for a colleague. With a key: insert it, Enter:{ " " }
wk-1251 = Choose a code for today, 6 to 9 digits:{ " " }
wk-1252 = The same code once more:{ " " }
wk-1253 = Why is the key not here? (Enter: no reason):{ " " }
wk-1254 = The colleague who lets you in: type your user name:{ " " }
wk-1255 = { $name }: let { $person } in here for { $hours } hours? Your PIN, then touch:{ " " }
wk-1256 = Colleague: insert your key only to let { $person } in here in your name. You do not log in by it.
wk-1257 = { $name }: let { $person } in here for { $hours } hours? If so, type that user name:{ " " }
wk-1258 = Break-glass login. It is recorded as an alarm, and this code is void from now on.
wk-1259 = This break-glass code was used before and is void. Please tell an administrator at once.
wk-1260 = This break-glass code is not valid here or not now. Please contact your administrator.
wk-1270 = Insert your security key. To type your name instead, wait a moment.
wk-1271 = Type your name. With a key: insert it, then press Enter:{ " " }
wk-1275 = The PIN of your key must be changed before you log in.
wk-1276 = The PIN needs { $count } characters or more. If yours is shorter: wardkey key change-pin, then again.
wk-1277 = This key cannot enforce a PIN of { $count } characters or more. Please keep to it when you change it.
wk-1278 = This key will not ask for another PIN by itself. Please change it now (wardkey key change-pin).
wk-1279 = At its first login this key asks for a new PIN. Until then it cannot be used elsewhere.
wk-1281 = The finger was not recognised. Tries left: { $tries }. Please put it on the sensor again.
wk-1282 = The key takes no finger until its PIN has been typed. Please try again with the PIN.
wk-1283 = Key of { $name }. Please put your finger on its sensor.
wk-1284 = Key of { $name }. Press Enter and use your finger, or type the PIN:{ " " }
wk-1285 = Key of { $name }: no finger recognised. Enter the PIN, then touch the key:{ " " }
wk-1286 = Key of { $name }: finger blocked (WK-1282). Enter the PIN, then touch the key:{ " " }

## 13xx: parts of Wardkey

wk-1301 = The login service is not running (agent). Please contact your administrator.
wk-1302 = The login service is not running (key). Please contact your administrator.
wk-1303 = This terminal has not joined yet. Administrator: run "wardkey join".
wk-1304 = The directory has not arrived yet. Please wait a moment and try again.
wk-1305 = This terminal cannot write its records. Please contact your administrator.
wk-1306 = Programs of different versions run on this terminal. Please contact your administrator.
wk-1307 = An internal error occurred. Please try again; if it stays, contact your administrator.
wk-1308 = This terminal's configuration is wrong. Please contact your administrator.
wk-1309 = You may not use the security key here. It is for the person logged in at this terminal.
wk-1310 = The stored directory was damaged and is fetched again. Please wait a moment.
wk-1311 = The limits of this session (memory, files) leave no room for a login. Please use another session.
wk-1312 = This account is not in the directory. Administrator: list it in local_accounts of pam.toml.
wk-1313 = This service does not ask for the security key. Please log in with the key first.
wk-1330 = This terminal's marks cannot be written. Administrator: check the disk of /var/lib/wardkey-marks.
wk-1331 = Records are in memory only, lost with the power. Administrator: check the disk of /var/lib/wardkey.

## 14xx: notices

wk-1401 = Offline. Age of the directory: { $hours } h.
wk-1402 = The key is in use elsewhere on this terminal. Please wait.
wk-1403 = Insert your security key, then press Enter:{" "}
wk-1404 = The key is in use elsewhere on this terminal. When that is done, press Enter:{" "}
wk-1405 = The screen was locked because the security key was removed.
wk-1406 = The screen was locked after a time without input.
wk-1407 = The screen was locked because the login was too long ago. Please log in again.
wk-1408 = The screen was locked by the person, or by a program of the session.
wk-1409 = The session was ended because the security key was removed.
wk-1410 = The screen was unlocked without a security key. Please find out who did it.
wk-1411 = No screen locker answered, so the session is ended. Please see "wardkey doctor".
wk-1412 = The screen could not be locked. Please see "systemctl status wardkey-lock".
wk-1413 = The machine was restarted before the session ended.
wk-1414 = The session is not in the records. Please check the agent (systemctl status wardkey-agent).
wk-1415 = Nobody is signed in here with a security key.
wk-1416 = The collector's name has no address. Please check "records_to" and the name service.
wk-1417 = The collector cannot be reached. Please check "records_to", the network and the collector.
wk-1418 = The certificates in "records_ca" cannot be used. Please check the file.
wk-1419 = No TLS with the collector. Please check its certificate and "records_ca".
wk-1420 = The collector ended the connection before it had all records. They are sent again.
wk-1421 = The collector does not answer close_notify, so nobody knows what it has read. See RECORDS.md.
wk-1422 = The collector did not read all records in time. Smaller batches follow.
wk-1423 = The system log cannot be reached.
wk-1424 = The file of records cannot be written. Please check its folder, its owner and its mode.
wk-1425 = The disk of the file of records is full. Records wait; please make room.
wk-1426 = The journal cannot be reached. Please check systemd-journald and "records_to".
wk-1427 = The collector refuses records. Please check the collector, its address and its index.
wk-1428 = The collector does not accept the token, or the file with it cannot be read. Please check it.

## 15xx: administration of terminals and server

wk-1501 = The server cannot be reached. Please check the network and try again.
wk-1502 = The server is not of this deployment. Please check the address and the token.
wk-1503 = The join token is wrong, used or expired. Please issue a new one.
wk-1429 = Destinations of records ({ $count }) lack some of { $minutes } minutes ago or more. Please see "status".
wk-1504 = This terminal has joined.
wk-1505 = This terminal has joined already.
wk-1506 = The enrollment code is wrong, used or expired. Please ask for a new one.
wk-1507 = The key could not be registered ({ $reason }). Please contact your administrator.
wk-1508 = The key of { $name } has been registered.
wk-1509 = No more keys can be registered. Please ask your administrator to delete one that is not used.
wk-1510 = The time for registering is over. Please start again.
wk-1511 = The directory is up to date.
wk-1512 = Too many requests. Please try again in { $seconds } seconds.
wk-1513 = This needs root. Please run it with sudo.
wk-1514 = This terminal's certificate is missing or was refused. Administrator: join with "token add --replace".
wk-1515 = Not found ({ $what }). Please check the name.
wk-1516 = The request is not valid ({ $reason }). Please check it.
wk-1521 = This machine has joined before. Please issue a token for it with "token add --replace".
wk-1522 = Too many records from this terminal for now. They are kept here and sent later.
wk-1523 = Nothing was imported: the file has { $count } problems. Please mend them and import it again.
wk-1524 = The first line names no columns. It has to hold at least login and name.
wk-1525 = The column { $value } is not known, or stands twice. Please correct it (see "person import --help").
wk-1526 = No value for { $column }. Please fill it in.
wk-1527 = { $value } is no login name. Letters, digits and . _ - @ + are taken, up to 64.
wk-1528 = { $value } is no name of a person. 1 to 128 printable characters are taken.
wk-1529 = { $value } is no language. Please write ja or en.
wk-1530 = There is no scope { $value }. Please correct its name, or add it first.
wk-1531 = { $value } is no name of a group. Letters, digits and . _ - are taken, up to 64.
wk-1532 = { $column }: { $value } is no date. Please write it as 2027-03-31 or 2027/3/31.
wk-1533 = The validity ends before it begins. Please correct one of the two dates.
wk-1534 = Too many values for { $column }: at most { $value } are allowed.
wk-1535 = { $value } stands in the file twice. Please take one of the lines out.
wk-1536 = { $value } exists already. Please take the line out, or import with --skip-existing.
wk-1537 = A key of this person cannot be imported ({ $value }).
wk-1538 = The characters from here on cannot be read. Please save the file as UTF-8.
wk-1539 = The quotation mark that is opened here is never closed.
wk-1540 = There is a value without a column: { $value }. Please take it out, or name its column.
wk-1541 = This line is no JSON object (character { $value }).
wk-1542 = The file names nobody.
wk-1543 = A value is of the wrong kind ({ $value }).
wk-1544 = Stored, but the server is not running: no terminal hears of it yet. Please start it.
wk-1545 = Stored, but scope { $value } is halted: its terminals do not hear of it. Please see "scope list".
wk-1550 = { $value } is an account of the system and cannot be a person.
wk-1551 = { $value } differs from an existing login name in upper and lower case only.
wk-1552 = This key is not { $value }'s. Nothing was changed.
wk-1553 = Not confirmed; nothing was changed. In a script, please give --person or --yes.
wk-1554 = The terminal was revoked over 24 hours ago. Please join it again with a new token.
wk-1570 = This terminal has joined. An administrator of the server has yet to approve it.
wk-1571 = The join token does not fit together. Please copy it again, or issue a new one.
wk-1572 = A code of your own has 6 to 9 digits. Please begin again.
wk-1573 = Others would guess this code. Please begin again with another one.
wk-1574 = The two codes differ. Please begin again.
wk-1575 = You cannot let this person in here. Please ask your help desk for a temporary code.
wk-1576 = Colleagues let this person in too often this month. Please ask your help desk.
wk-1577 = This terminal could not keep it, so nobody was let in. Please use another terminal.
wk-1578 = The colleague who let you in can no longer do so. Please use your key or ask your help desk.
wk-1579 = That looks like a code or a PIN. Nothing was recorded. Please begin again.
wk-1580 = { $person } can log in here by the chosen code for { $hours } hours. This is recorded.
wk-1581 = Logged in on a colleague's word, which is recorded. Hours left: { $hours }.
wk-1582 = { $voucher } had let you in here, which has ended. If you did not ask for it, tell an administrator.
wk-1583 = Reason given by { $person }: { $reason }. It is recorded with your name.
wk-1584 = That is not the user name of whom you would let in. Nobody was let in. Please begin again.
wk-1585 = A colleague's vouch could not be ended. Administrator: check the disk of /var/lib/wardkey-marks.
wk-1590 = The time of this loaner key is over. Please return it, and use your own key.
wk-1591 = This loaner key is not valid yet. Please ask your help desk from when it is.
wk-1592 = This loaner key is no longer yours, as your own key was used. Please return it.
wk-1593 = A loaner key is not accepted for this. Please use your own key, or ask your help desk.
wk-1594 = Logged in with a loaner key, which is recorded. Hours left: { $hours }.
wk-1595 = Uses of break-glass codes: { $count }. Please see "break-glass list", look into it, and clear the alarm.

## 16xx: switching Wardkey on and off

wk-1601 = Not enabled: this terminal is not ready. Please mend what is said below.
wk-1602 = Not enabled: the test login failed. Please mend the cause and try again.
wk-1603 = Not enabled: no local administrator could log in without a key. Please see the guide.
wk-1604 = The PAM files were edited by hand; nothing was changed. Please see the guide.
wk-1605 = Not confirmed in time: Wardkey is disabled again, everything is as it was.
wk-1606 = Wardkey is enabled. Please run "wardkey disable" first.
wk-1607 = Not enabled: people could get in without a key. Please mend or accept what is said below.
wk-1608 = { $service }: people get in without a key. Please mend the lines below, or accept it with a reason.
wk-1609 = { $service }: what PAM does here cannot be told, so it counts as open. Please mend the line below.
wk-1610 = { $service }: PAM cannot read this service and refuses everybody. Please mend the file below.
wk-1611 = { $service }: people get in when the module cannot be loaded. Please mend the lines below.
wk-1612 = { $service }: no key is asked for, only the account check refuses. Please check the lines below.
wk-1613 = { $service }: no local administrator can get in here. Please check the lines below.
wk-1614 = The module pam_fido.so is missing or damaged. Please install the package libpam-fido again.
wk-1615 = Logins with keys are not enabled, so nobody needs a key. Please run "wardkey enable".
wk-1616 = { $unit } is not active. Please start it and look at its journal.
wk-1617 = { $path }: owner or mode is not as it must be. Please run the command below.
wk-1618 = Accounts come from { $source } too. Please make sure that no password there lets staff in elsewhere.
wk-1619 = sshd lets people in without a key ({ $what }). Please restrict it, or accept it with a reason.
wk-1620 = { $path } logs somebody in without asking. Please switch automatic login off.
wk-1621 = Nothing keeps the clock right. Please set up time synchronisation.
wk-1622 = The terminal's certificate is missing or ends soon. Please check the agent's connection.
wk-1623 = The directory is old. Please check the network and run "wardkey sync".
wk-1624 = Trust anchor and agent do not fit. Please join this terminal again.
wk-1625 = Parts of Wardkey have different versions. Please install them again and restart the agent.
wk-1626 = { $name } has a password beside the key. Please lock it.
wk-1627 = { $name }: the account or its password ends by its age. Please switch that off.
wk-1628 = { $name } has the uid of a system account and needs no key. Please give the account another uid.
wk-1629 = The people of the directory could not be listed, so their accounts are not checked. Please try again.
wk-1630 = No way in but the key was found.
wk-1631 = Findings: { $count }. Please look at each of them.
wk-1632 = { $subject } is accepted and recorded.
wk-1633 = Nothing is open at { $subject }. Please check the name.
wk-1634 = Accounts of people begin at another uid than Wardkey's limit ({ $uid }). Please set system_uid_max.
wk-1635 = { $name } is a person of the directory and needs no key. Please take the name out of local_accounts.
wk-1640 = Not saved. The configuration is as it was; run "wardkey config edit" to try again.
wk-1641 = This terminal's clock is ahead of the server's. Please set it right.
wk-1642 = { $path } starts another program than login. Please make sure that it asks for the key.
wk-1643 = The root key is on this server, so it is not lost. Nothing was changed; run it without --lost.
wk-1644 = { $address } does not answer: { $why }. Nothing was changed; correct it, or use --anyway.
wk-1645 = { $address } is not this server. Nothing was changed; please correct the address.
wk-1646 = Terminals are told { $host }. Nothing was changed; please set other addresses first.
wk-1647 = Terminals that may need { $host }: { $count }. Nothing was changed; see "address show", or use --anyway.
wk-1648 = The certificate would have over { $count } names. Nothing was changed; see "address retire".
wk-1649 = The certificate has no name but { $host }. Nothing was changed.
wk-1670 = The server's log has other records than this terminal saw. Records were changed; find out which.
wk-1671 = The server's log has fewer records than this terminal saw. Find out what was put back or removed.
wk-1672 = The server's log is not signed by its key. Please see the server's log, and who answers for it.
wk-1673 = The server's log began anew, as after a restore. Please check that a backup was restored then.
wk-1674 = The server shows another log, and no backup was restored. Please find out who changed it, and why.
wk-1675 = The server's log contradicted what this terminal saw. Keep { $path }: both signed heads are in it.
wk-1680 = The login screen gave an answer that cannot be read. You will be asked in another way.
wk-1681 = { $address } cannot be reached: { $why }. Nothing was done; please look at PostgreSQL.
wk-1682 = { $address } cannot be used: { $what }. Nothing was done; see ADMIN.md.
wk-1683 = Another server runs over { $address }. Nothing was done; stop that one first.
wk-1684 = A deployment is in { $address }. Nothing was made; please give an empty database.
wk-1685 = The database is PostgreSQL's. Nothing was done; use pg_dump and pg_restore, see ADMIN.md.
wk-1686 = The server runs. Nothing was moved; please run "systemctl stop wardkey-server" first.
wk-1687 = { $address } cannot take the deployment: { $what }. Nothing was moved; give an empty database.
wk-1688 = The deployment was moved to { $address }. Nothing was done; set database in server.toml.
wk-1689 = The move to { $address } was interrupted. Nothing was done; run "wardkey-server migrate" again.

## 17xx: sessions that have begun

wk-1700 = Session { $desktop }: no screen locker known to answer. Without the key it is ended. Please install one.
wk-1701 = Table { $table } is not the same in { $address }. Nothing was moved; please look at PostgreSQL.
wk-1702 = Table { $table } cannot be copied: { $why }. Nothing was moved; please look at PostgreSQL.
wk-1710 = Key of { $name }: wrong PIN (WK-1203), tries left: { $tries }. Enter the PIN, then touch the key:{ " " }
wk-1720 = This API key is not valid: unknown, disabled or expired. Please ask who administers the server.
wk-1721 = This role does not include { $act }. Please ask somebody whose role does.
wk-1722 = This concerns scopes that are not yours. Please ask who administers all of them.
wk-1723 = Somebody has changed this meanwhile. Please read it again, and decide by what it says now.
wk-1724 = This Idempotency-Key was used for another request. Please take a new one.
wk-1725 = The role { $role } is for certain scopes only. Please name them with --scope.
wk-1726 = Administration over the network is not served. Please see the log of wardkey-server for the reason.
wk-1727 = The certificate of the administration listener ends in { $days } days. Please put a new one in place.
wk-1728 = This concerns an administrator or a protected group. Please ask an owner of all scopes.
wk-1730 = The last exchange of the CA is still open. Nothing was changed; run "ca retire" first.
wk-1731 = There is no exchange of the CA to end. Nothing was changed; "ca rotate" begins one.
wk-1732 = Terminals use a certificate of the old CA: { $count }. See "terminal list --old-certificate", or --anyway.
wk-1733 = The CA is being exchanged: { $have } of { $count } terminals have a new certificate. End: "ca retire".
wk-1734 = The CA's certificate ends in { $days } days. Please run "ca prepare" and "ca rotate" well before.
wk-1735 = The CA's certificate has ended: browsers and collectors refuse the server. See "The CA" in the guide.
wk-1736 = The prepared CA ends in { $days } days, so it is not taken. Please run "ca prepare" again.
wk-1737 = { $path } is no CA with its key. Please run "ca prepare" again, or remove the file.
wk-1740 = You are not signed in, or no longer. Please sign in with your security key.
wk-1741 = This key did not sign you in: not known here, disabled, or too slow. Please try again.
wk-1742 = Your key is right, but you have no role here. Please ask an owner for "administrator add".
wk-1743 = This act lets somebody in: please sign in with your key once more, then do it within five minutes.
wk-1744 = This form is not from a page of this session. Please go back, load the page again and repeat it.
wk-1745 = This form was sent before. If nobody has seen its code, please withdraw it and issue another.
wk-1750 = { $value } is no name in Latin letters. Please use such letters, at most 128 bytes.
wk-1751 = { $tty } is in use. Please free it for the enrollment console: see the detail below.
wk-1752 = The enrollment console did not start or stop. See what "systemctl status wardkey-enroll" says.
wk-1753 = The enrollment console is open on { $tty }. Who has an enrollment code registers a key there.
wk-1754 = { $path } changes the enrollment console. Please check that it takes no protection away.
wk-1755 = Without a terminal of its own the enrollment console does not start. Please start its unit.
wk-1756 = The account { $account } is not as the package makes it. Please put it right: see the detail.

## 18xx: without the key

wk-1801 = No key? Type your temporary code. With a key: insert it, then press Enter:{ " " }
wk-1802 = No key? Type your name, a space and your temporary code. With a key: insert it, press Enter:{ " " }
wk-1803 = Name and temporary code do not match, or it is not valid here. Please ask your help desk.
wk-1804 = This temporary code has ended. Please use your key or ask your help desk.
wk-1805 = This temporary code is not valid yet. Please ask your help desk from when it is.
wk-1806 = This temporary code is for another terminal or ward. Please use one there or ask your help desk.
wk-1807 = This temporary code has ended, as your key was used. Please use your key.
wk-1808 = This cannot be done in this way. Please use your security key.
wk-1809 = This is not a temporary code, which has 10 letters and digits. Please type it again.
wk-1810 = Too many wrong codes at this terminal. Please try again in { $seconds } seconds.
wk-1811 = This terminal takes no temporary codes now. Please use your key or another terminal.
wk-1812 = The code could not be checked: too little memory. Please use your key or another terminal.
wk-1813 = Logged in with a temporary code, which is recorded. Hours left: { $hours }.

## 183x and 184x: the keys of the deployment
wk-1830 = The root key is not on this server. Nothing was changed; give its file with --root-key.
wk-1831 = This is not the root key of the deployment. Nothing was changed; give the right file.
wk-1832 = The last exchange is still open. Nothing was changed; run "publish-key retire" first.
wk-1833 = There is no exchange to end. Nothing was changed; "publish-key rotate" begins one.
wk-1834 = Terminals without the new key: { $count }. Nothing was changed; see "terminal list --old-root".
wk-1835 = There can be { $count } root documents, and too few are left. Nothing was changed; see ADMIN.md.
wk-1836 = The file of the root key is encrypted. Nothing was changed; give --identity.
wk-1837 = { $path } does not open the file of the root key. Nothing was changed; give the right identity.
wk-1840 = The publish key is being exchanged: { $have } of { $count } terminals have it. End: "publish-key retire".
wk-1841 = The last backup has the publish key of before. Please run "wardkey-server backup" now.

## 185x: backups

wk-1850 = Who may open the keys? Give --recipient age1..., or --without-keys to leave them out.
wk-1851 = { $path } is there already. Nothing was written; please give another name.
wk-1852 = The copy does not pass, so there is no backup: { $what }. Please look at the database.
wk-1853 = { $path } is no whole, unchanged backup: { $what }. Nothing was changed; use another one.
wk-1854 = { $path } was made by a newer version. Nothing was changed; install that version.
wk-1855 = { $path } is there. Nothing was changed; --replace puts it aside.
wk-1856 = The server runs. Nothing was changed; please run "systemctl stop wardkey-server" first.
wk-1857 = There are no keys. Nothing was changed; give --identity for those in the backup, or put them back.
wk-1858 = The keys in { $path } are not those of this backup. Nothing was changed.
wk-1859 = { $path } does not open the keys of this backup. Nothing was changed; give the right identity.
wk-1860 = The trail { $path } does not go on from this backup: { $what }. Nothing was changed.
wk-1861 = Nothing was changed. Please answer, or give --yes.
wk-1862 = The database { $path } is of another deployment, or of a newer root key. Nothing was changed.
wk-1863 = Whose backup is it? Nothing was changed; give --root with the root key in your papers.
wk-1864 = The backup is of another root key than the one given. Nothing was changed; do not use it.
wk-1865 = The database changed meanwhile, or is in use. Nothing was changed; please run this again.
wk-1866 = Another server or a restore has { $path }. Nothing was done; please wait for its end.
wk-1867 = { $path } is a link that leads nowhere. Nothing was changed; mend it or remove it.
wk-1868 = { $path } cannot be read now: { $why }. Nothing was changed; mend that, or move it away.
wk-1869 = Nobody answered within ten minutes. Nothing was changed; please run this again.
wk-1870 = { $path } cannot be locked: { $why }. Nothing was done; please look at its owner and mode.
wk-1871 = { $path } is left of another user's interrupted command. It may hold keys; please remove it.
wk-1872 = The trail { $path } has too many rows since the backup. Nothing was changed; use a newer backup.
wk-1873 = A number in { $path } leaves none above it. Nothing was changed; do not use it.
wk-1880 = This key takes PINs that are too short here. Update the terminal and enroll again, or use another key.

## The log of records
wk-1900 = Record { $number } is not what the log took in. Keep the database as it is; find out who changed it.
wk-1901 = At least { $count } logged records are gone. Keep the database as it is; find out who removed them.
wk-1902 = The log is not what was signed at { $size } records. Nothing was signed; keep it, and find out why.
wk-1903 = { $path } is no export or checkpoint: { $what }. Nothing was written; please give another one.
wk-1904 = { $path } is not signed by this key. Do not trust it; compare the key with "log show".
wk-1905 = { $path } is not what the checkpoint says. Do not trust this copy; take another export.
wk-1906 = The log is shorter than { $path }. Records were removed or a backup restored; find out which.
wk-1907 = The log does not go on from { $path }. Records were changed or a backup restored; find out which.
wk-1908 = { $path } is of another log, { $origin }. Please give its key, or another folder.
wk-1909 = { $names } has not been sent { $count } of these records. Wait for it ("status"), or use --anyway.

## 169x: archives of the log of records

wk-1690 = { $path } is no whole, unchanged archive: { $what }. Nothing was changed; use another copy.
wk-1691 = { $path } has other records than this log. Nothing was changed; give an archive of this log.
wk-1692 = All { $count } records are archived, so there is nothing new. Please try again when more have come.
wk-1693 = No class of records is named in [retention], so all are kept. Nothing was changed.
wk-1694 = Records up to place { $place } were pruned. Please give --from a later place.
wk-1695 = There is no archive { $number }. Please see "archive list".
wk-1696 = Records were pruned: { $what }. Give the archive with --archive to have them checked.
wk-1697 = The list of pruned records was changed: { $what }. Keep every copy; find out who did it.
wk-1698 = The last archive is { $days } days old. Please run "archive create", then "archive prune".
wk-1699 = The clock is not plausible, so nothing is pruned. Please see "wardkey-server clock show".

## 198x: terminals that witness the log

wk-1980 = The cosignature does not fit this log, or is not by this key. It was not stored.
wk-1981 = This terminal had another witness key. If that is right, make a token with --replace and join again.
wk-1982 = { $path } has no cosignature of { $name }. Take one that this witness cosigned.

## 192x to 194x: watching

wk-1920 = The server does not run, so terminals hear of nothing. Please start it: systemctl start wardkey-server.
wk-1921 = The database does not answer, so nothing is published. Please look at its disk, owner and mode.
wk-1922 = The database cannot be written, so records are refused. Please look at its disk, owner and mode.
wk-1923 = The clock is not plausible, so nothing is signed by it. Please see "wardkey-server clock show".
wk-1924 = Scopes that are not published, as a terminal is ahead: { $count }. Please see "scope list".
wk-1925 = Scopes whose directory has expired, so that terminals count as offline: { $count }. Please see the log.
wk-1926 = The disk of the database has { $megabytes } MB left. Please make room before records are refused.
wk-1927 = The server's certificate ends in { $days } days and was not renewed. Please see the log.
wk-1929 = The last backup is { $hours } hours old. Please run "wardkey-server backup" and look at its timer.
wk-1930 = No backup was ever made. Please run "wardkey-server backup", and daily from now on.
wk-1931 = Terminals not heard of: { $count }, for { $hours } hours or longer. Please see "terminal list --silent".
wk-1932 = Terminals that have sent all that they may today: { $count }. Please see "audit list".
wk-1933 = Keys that may have been copied: { $count }. Please see "key list", and disable those in doubt.
wk-1934 = Records were changed or removed in the database. Please copy it first, then run "log verify".
wk-1940 = This terminal is not revoked. Nothing was changed; please run "terminal disable" first.

# Auditing the log of records
wk-1950 = The database is older than the log signed at { $size } records. Nothing is signed; run "epoch raise".
wk-1951 = { $path } is no checkpoint, so nothing is signed. Copy it, find out why, then remove it.
wk-1952 = The check found { $count } faults. Do not rely on these records; keep this copy, and find out why.
wk-1953 = { $path } cannot be used: { $what }. Please give another one.
wk-1954 = A record was changed: { $what }. Keep every copy, and find out who did it.
wk-1955 = A record was removed. Keep every copy, and find out who did it.
wk-1956 = A record was put in. Keep every copy, and find out who did it.
wk-1957 = A record was moved to another place. Keep every copy, and find out who did it.
wk-1958 = A record stands out of order: { $what }. Find out whether a clock was set or a record put in.
wk-1959 = A login is not proved: { $what }. Do not count it as one; look at the terminal.
wk-1960 = A login rests on something that was not valid then: { $what }. Ask whether the terminal was offline.
wk-1961 = The list of keys was changed: { $what }. Keep every copy, and find out who did it.
wk-1962 = { $path } is signed by a log key replaced as stolen on { $time }. Trust it only if you held it before.
wk-1970 = The period ends ({ $to }) before it begins ({ $from }); please check --from and --to.
wk-1971 = The report would have more than { $count } rows of time; please shorten the period or use --by day.
