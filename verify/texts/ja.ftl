# コード付きの文のほかに wardkey-verify が表示する文。

## 確認したこと
checked-log = 台帳 { $origin }：記録 { $size } 件。
checked-root = ルート：{ $root }
checked-places = アーカイブ：台帳の位置 { $first } から { $last } まで。
checked-archive = 整理された記録は、アーカイブ { $path } で確認しました。
checked-key = 指定された鍵の署名があります：{ $key }
checked-logins = 証拠が成り立つログイン：本人のキー { $key } 件、貸出用キー { $loan } 件、臨時コード { $pass } 件、同僚の保証 { $vouch } 件、緊急用コード { $sealed } 件（一覧のキー { $keys } 個、臨時コード { $passes } 個）。
checked-since = { $path }（記録 { $size } 件）と比べました。
renamed = その時の台帳の名前は { $origin } でした。バックアップの復元か、エポックの引き上げがありました。
checked-since-key = その署名は、そのために指定された鍵のものです：{ $key }
since-key-stolen = その鍵は { $time } に盗難で交換されました。それより前に入手していた場合にだけ、比べたことが根拠になります。
checked-copy = { $path } と比べました：記録 { $records } 件、その他の行 { $others } 行。
newest-first = { $path } は新しい記録から並んでいるため、末尾から読みました。
on-their-way = 台帳にあるその端末の記録より新しいため、数えなかった写し：{ $count } 件。
all-holds = 確認したことは、すべて成り立ちます。
all-holds-remarks = 確認したことは、すべて成り立ちます。目を通すべきもの：{ $count } 件。
faults = 問題：{ $count } 件。ほかに目を通すべきもの：{ $remarks } 件。
unlisted = ここに表示しないもの：あと { $count } 件。

## 確認していないこと
unchecked-since = 以前のチェックポイントや書き出しとは比べていません。データベースと鍵を持つ人は、台帳全体を書き直せます。
unchecked-copies = ほかの場所の写しとは比べていません。サーバーに届かなかった記録は、台帳にありません。
unchecked-pruned = 整理された記録 { $count } 件の内容は見ていません。位置とハッシュは正しく、内容は上に示したアーカイブにあります。
unchecked-before = このアーカイブより前の記録は見ていません。以前のアーカイブにあります。--since で指定してください。
unchecked-numbers = 端末は記録に番号を付けません。端末が送らなかった記録は、写しだけから分かります。ログインの署名がない記録の根拠は、台帳とそのチェックポイントです。

## 報告書
report-title = Wardkey：書き出した記録の台帳の確認
report-checked = 確認したこと
report-found = 見つかったこと
report-place = 場所
report-what = 内容
report-code = コード
report-unchecked = この確認では分からないこと

## 記録
record-number = 記録 { $n }
record-place = 台帳の位置 { $n }
stands-at = 位置 { $n } に同じ記録があります
missing-in-log = 台帳にありません
maybe-pruned = 台帳にありません。整理された記録かもしれません
before-archive = このアーカイブにありません。以前のアーカイブにあるかもしれません
pruned-by-act = { $time } の操作 { $act } による { $count } 件、SHA-256 が { $archive } のアーカイブ
pruned-unlisted = 台帳の鍵でこのチェックポイントについて署名した一覧がありません
pruned-other = 操作 { $act } が整理した記録と、ここにない記録が違います
pruned-too-young = 操作 { $act } は、30 日たっていない記録を整理しています
pruned-not-due = 操作 { $act } は、保存期間内か対象外の区分のこの記録を整理しています
pruned-act-gone = 操作 { $act } が以前に書き出したものと違います
no-archive = アーカイブではありません
archive-head = アーカイブの見出しを読めません
archive-alone = --archive はフォルダーの確認に使います。アーカイブは 1 つずつ確認してください
since-before-archive = アーカイブの始まりより前のもので、アーカイブからは確認できません
missing-in-copies = 写しにありません（この端末の前後の記録はあります）
fields-differ = 写しは次の項目が違います：{ $names }
other-hash = ハッシュが違います
other-terminal = 送った端末と別の端末の名前です
other-finding = 証拠についてのサーバーの記載と違います
entry-unreadable = 読み取れません
number-falls = 番号が前の記録より大きくありません
numbers-missing = 番号 { $from }～{ $to } がありません
received-falls = 前の記録より先に届いたことになっています

## 証拠
unproven-nothing = 証拠がありません
unproven-pass-by-key = 臨時コードのログインにキーの署名があります
unproven-other-pass = 別の臨時コードの署名です
unproven-client-data = 署名の対象を読み取れません
unproven-terminal = 別の端末のための署名です
unproven-person = 別の人の署名です
unproven-account = 別のアカウントのための署名です
unproven-service = 別のサービスのための署名です
unproven-time = 別の時刻の署名です
unproven-event-id = ID が署名の対象と違います
unproven-counter = カウンターが署名の値と違います
unproven-pass-time = 臨時コードは、その時に有効ではありませんでした
unproven-pass-terminal = 臨時コードは別の端末のものです
unproven-no-loan = 貸出用キーですが、貸出の記載がありません
unproven-other-loan = キーはそのように貸し出されていません
unproven-loan-time = キーは、その時に貸し出されていませんでした
unproven-returned = キーは、その時までに返却されていました
unproven-signature = 署名が成り立ちません（{ $code }）
no-word-nothing = 同僚の保証がありません
no-word-loaner = 貸出用キーでは保証できません
no-word-terminal = 別の端末での保証です
no-word-colleague = 別の同僚の署名です
no-word-person = 別の人のための保証です
no-word-themselves = 自分自身を保証しています
no-word-too-long = 保証の時間が、許される長さを超えています
no-word-time = 別の時刻の保証です
no-word-no-code = コードの署名がないログインです
no-word-other-proof = 別の方法によるログインです
no-word-not-then = その時に有効な保証ではありませんでした
vouched-for-nobody = 届いた時にサーバーはこの人を知りませんでした。ここでは検証できません
key-unknown = キーは登録されたことがありません
pass-unknown = 臨時コードは発行されたことがありません
key-enrolled-later = キーの登録は後でした
key-off-since = キーは { $time } から停止中でした
person-off = 本人は { $time } から停止中でした

## キーの一覧
keys-missing = keys.cbor がなく、ログインを検証していません
keys-unsigned = keys.cbor がこの鍵の署名でなく、ログインを検証していません
keys-of-another-log = keys.cbor が別の台帳のもので、ログインを検証していません
keys-older = keys.cbor が台帳より古く、ログインを検証していません
key-gone = { $person } のキー { $key } がありません
key-of-another = { $person } のキー { $key } が別の人のものになっています
key-replaced = { $person } のキー { $key } が同じ名前の別のキーになっています
key-history = { $person } のキー { $key } の停止と再開の記録
key-backdated = { $person } のキー { $key } は以前の一覧より前の登録とされますが、その一覧にありません
pass-changed = 臨時コード { $pass }
loan-changed = { $person } への貸出 { $loan }
loan-backdated = { $person } への貸出 { $loan } は以前の一覧より前に始まったとされますが、その一覧にありません

## ファイルと引数
no-checkpoint = 署名されたチェックポイントではありません
not-a-file = 通常のファイルではありません
fewer-files = 記録は { $size } 件とありますが、ファイルには最大 { $most } 件しか入りません
not-a-folder = フォルダーではありません
no-records = key=value、RFC 5424、ECS、OCSF の記録がありません
tile-length = 長さが違います
write-verifier = wardkey-server log show が表示する鍵（名前+数字+鍵）を指定してください
