# 端末の設定ファイルの誤りと対処。「ファイル:行: 誤り（対処: ...）」の形で表示する。
# 変数の名前は en.ftl と同じでなければならない（build.rs が確かめる）。

## 行
duplicate-key = キーが重複しています。どちらかの行を削除してください
no-equals = キーの後に「=」と値がありません
after-value = 値の後に余分な文字があるか、コメントに制御文字があります
not-a-line = 空行、コメント、「キー = 値」以外の行です。[テーブル] は使えません
unclosed-literal = 文字列が ' で閉じられていません
text-on-one-line = 文字列は " で囲み、1 行で書いてください
unclosed-text = 文字列が同じ行の " で閉じられていません
unknown-escape = \ の後の文字が正しくありません。バックスラッシュは \\ と書いてください
escape-digits = \u には 4 桁、\U には 8 桁の 16 進数が必要です
escape-no-character = \u の番号の文字はありません
list-comma = 一覧の項目は「,」で区切り、最後を「]」で閉じてください
value-kinds = 値は "文字列"、整数、その [一覧] のいずれかです
not-utf8 = UTF-8 ではありません。UTF-8 で保存してください

## キーと値
unknown-key = 「{ $key }」というキーはありません
unknown-key-known = 「{ $key }」というキーはありません。使えるキー: { $keys }
missing-key = キー「{ $key }」がありません。{ $fix }
takes = キー「{ $key }」の値は{ $what }です
login-name = ログイン名
whole-path = { " " }/ で始まるファイルのパス
language = { " " }"ja" か "en"{ " " }
name-from = { " " }"typed" か "key"{ " " }
number-between = { " " }{ $least }～{ $most } の整数{ $unit }
unit-seconds = （秒）
unit-events = （件）
unit-connections = （接続）
local-list = ログイン名と uid の一覧（{ $count } 個まで。例: ["admin", 1000]）
service-list = { " " }PAM サービスの一覧（小文字、{ $count } 個まで。例: ["sudo", "polkit-1"]、すべてなら ["*"]）
sink-list = 送り先の一覧（{ $count } 個まで、同じ宛先は一度）: "tls://ホスト:ポート 形式"、tcp://、udp://（atna と fhir は不可）、"file:///パス 形式"、"journal:///ソケット"、"splunk://ホスト:ポート 形式 トークンのファイル"、"elastic://ホスト:ポート/インデックス 形式 トークンのファイル"
hex-digits = { " " }{ $count } 桁の 16 進数（{ $fix }）
join-again = 「wardkey join」をもう一度実行してください
uid-min = UID_MIN の値は 1000 のような数です

## ファイル
missing-file = ファイルがありません
write-whole-path = / で始まるファイルのパスを書いてください
not-regular = 通常のファイルではありません
not-folder = フォルダーではありません
put-regular = リンクは使えません。ファイルそのものを置いてください
put-folder = リンクは使えません。フォルダーそのものを置いてください
belongs-to = 所有者の uid は { $uid } です
lets-write = モード { $mode } では他のユーザーも書き込めます
lets-read = モード { $mode } では他のユーザーも読み取れます
longer-than = { $count } バイトを超えています
lock-held = 別のログインが使用中です

## 対処
problem = { $place }: { $what }（対処: { $fix }）
run = { $command } を実行する
put-package-file = パッケージのファイル { $path } を置く
write-default = 既定値の { $line } にする
save-utf8 = UTF-8 で保存する
remove-line = この行を削除する
correct-line = この行を直すか、削除する
correct-key = この行を削除するか、キーの名前を直す。使えるキー: { $keys }
look-at-disk = ディスクとファイルの権限を確認する
