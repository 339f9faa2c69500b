# 引数を読み取れないときに、どちらのコマンドも表示する文。
# 変数の名前は en.ftl と同じでなければならない（build.rs が確かめる）。

## 何が誤りか
see = { $what }。使い方: { $command } --help
no-command = コマンドを指定してください
unknown-command = 「{ $name }」というコマンドはありません
unknown-command-like = 「{ $name }」というコマンドはありません。「{ $like }」ではありませんか
unknown-argument = 「{ $name }」はここでは使えません
unknown-argument-like = 「{ $name }」はここでは使えません。「{ $like }」ではありませんか
missing = 次の指定が必要です: { $names }
conflict = { $one } と { $other } は同時に指定できません
given-twice = { $name } が 2 回指定されています
value-missing = { $name } には値が必要です
values-wrong = { $name } の値の数が正しくありません
value-wrong = { $name } に「{ $value }」は指定できません（{ $why }）
one-of = { $values } のいずれか
not-utf8 = UTF-8 ではない引数があります

## 値が正しくない理由
from-to = { $least }～{ $most } の整数
name-length = { $kind }は 1～{ $max } バイトです
name-made-of = { $kind }に使えるのは、{ $allowed }です

## 名前の種類と、使える文字
kind-login = ログイン名
kind-scope = スコープ名
kind-group = グループ名
kind-service = PAM サービス名
kind-rp-id = relying party id
kind-label = 表示名
kind-latin = ローマ字氏名
kind-language = 言語
of-login = 英字、数字、._-@+$（先頭に - と . は使えません）
of-scope = 英小文字、数字、._-（先頭に - と . は使えません）
of-group = 英字、数字、._-（先頭に - と . は使えません）
of-service = 英字、数字、._-+@:（先頭に - と . は使えません）
of-rp-id = 英小文字、数字、-、区切りの点
of-label = 表示できる文字
of-latin = 半角の英字など（アクセント記号付きも可）
of-language = ja または en

## どちらのプログラムも --help の下に表示する文
option-json = JSON を 1 行で出力します。結果は標準出力、エラーは標準エラー出力です。
exit-title = 終了ステータス
exit-done = 完了
exit-refused = 拒否、失敗、または見つからない。何も変更していない
exit-usage = 使い方の誤り
exit-unavailable = 設定、鍵のファイル、エージェント、キーのプロセスのいずれかを使えない
exit-store = データベースを開けない、または読み書きできない
exit-not-heard = 完了し、保存した。ただし、どの端末にもまだ伝わらない
