# 管理画面の文。番号のある文は core/texts/ja.ftl にある。
# 変数の名前は pages.en.ftl と同じでなければならない（build.rs が確かめる）。

## どの画面にも
skip-to-main = 本文へ移動
navigation = 画面
sign-out = サインアウト
to-today = 最初の画面へ
not-done = 実行されませんでした
back = 戻る
done = 完了しました
done-unheard = 保存しましたが、端末にはまだ届きません：
more = 続きを表示
search = 検索
find-person = 名前またはユーザー名
find-terminal = 端末の名前
table = 表
all = すべて
nothing = 該当するものはありません。
reason = 理由

## サインイン
sign-in = サインイン
sign-in-how = セキュリティキーを差し込み、ボタンを押してください。ブラウザーが求めたら暗証番号を入力し、キーに触れてください。
sign-in-touch = キーを待っています…
sign-in-gave = キーで署名できませんでした。キーが差し込まれているか、触れたかを確かめて、もう一度お試しください。
sign-in-without = このブラウザーではセキュリティキーを使えないか、HTTPS で接続されていません。
sign-in-script = キーを使えるのはスクリプトだけなので、サインインには JavaScript が必要です。ほかの画面には不要です。

## 役割
role-owner = オーナー
role-site-administrator = 部門管理者
role-help-desk = ヘルプデスク
role-approver = 承認者
role-auditor = 監査担当

## 画面
today = 今日
people = 利用者
terminals = 端末
records = 認証の記録
trail = 管理の記録
all-is-well = 対応が必要なことはありません。
silent-terminals = 1時間以上連絡のない端末
latest-failures = 最近拒否されたログイン
keys-lost-today = 今日無効にしたキー
signed-in = ログイン中
signed-in-now = 現在ログイン中
signed-in-what = どの端末に誰がログインしているかを、端末の記録から表示します。最終連絡より後のことは、ここでは分かりません。記録の一部が失われたところには「終了した可能性あり」と表示します。
all-signed-in = ログイン中の一覧
find-signed-in = 利用者・アカウント・端末の名前
screen-open = ロックされていません
screen-locked = ロック中
screen-opened = ログインなしで解除
perhaps-ended = 終了した可能性あり
session-began = セッション開始
logged-in-since = ログイン日時
state-since = 状態の開始
stage-until = { $time } まで
next-stage = 次の段階
terminals-active = 稼働中の端末
terminals-silent = うち連絡なし
terminals-pending = 承認待ちの端末
last-backup = 最後のバックアップ

## 表の言葉
login = ユーザー名
name = 名前
latin-name = ローマ字氏名
state = 状態
keys = キー
scope = スコープ
scopes = スコープ
groups = グループ
valid-from = 有効期間の開始
valid-until = 有効期限
label = 名称
fingerprint = 識別番号
enrolled = 登録
last-used = 最終使用
may-be-copied = 複製の疑い
tags = タグ
joined = 参加
seen = 最終連絡
stage = オフライン段階
behind = 未反映の変更
certificate-until = 証明書の期限
time = 日時
event = 種類
outcome = 結果
person = 利用者
terminal = 端末
service = サービス
since = 開始日
unproven = 証明なし
actor = 実行者
act = 操作
object = 対象
detail = 内容
number = 番号
id = ID
address = アドレス
version = バージョン
received = 受信
code = コード
meaning = 意味
proof = 証明
account = アカウント
model = 機種
all-records = すべての記録
hours = 時間

## 操作
disable-person = この利用者を停止する
enable-person = この利用者を再開する
disable-key = このキーを停止する
enable-key = このキーを再開する
without-key = コード
issue-code = 登録コード
issue-pass = 臨時コード
end-pass = 臨時コードを終了する
withdraw-codes = 登録コードを取り消す
approve-terminal = この端末を承認する
disable-terminal = この端末を失効させる
code-what = この利用者が端末で新しいセキュリティキーを登録するための、1回限りのコードです。
code-for = { $login } さんの登録コード
code-open = 登録コードは { $until } まで有効です。
code-made = 登録コード
seen-once = 表示は今回限りで、どこにも保存されません。本人に直接渡してください。
pass-what = キーを忘れた人のための臨時コードです。終了するか、本人のキーが使われるまで、スコープの端末で使えます。
pass-for = { $login } さんの臨時コード（{ $until } まで）
pass-open = 臨時コードが { $until } まで有効です：{ $reason }
pass-issued = 臨時コード

## ファイルと印刷
as-file = CSV で保存
file-cut = ファイルは { $count } 行までです。日付やスコープで絞り込んでください。
printed = 印刷 { $time }（{ $login }）
silent-seconds = 連絡のない秒数
more-follows = 続きは次のページにあります。
rows-left = 残り { $count } 行は CSV ファイルにあります。

## サインイン中
sessions = サインイン中
sessions-what = 管理画面にサインインしているセッションです。心当たりのないものは終了してください。次の操作から使えなくなります。
signed-in-since = サインイン
this-session = この画面
end-session = このセッションを終了する
key = キー

## 本人のページ
own-page = 自分のキー
own-title = { $name } さんのキー
own-what = あなたのセキュリティキーです。紛失したときは、すぐにここから届け出てください。すべての端末で使えなくなります。
own-name = キー
own-name-key = キーに名前を付ける
own-name-what = 呼び名（本人と管理者だけに表示されます）
own-save = 保存
own-lost = このキーの紛失を届け出る
own-off = 停止中です。再開できるのは管理者だけです。
own-loan = 貸出キー「{ $name }」を { $until } まで借りています。紛失したときは、ヘルプデスクに連絡してください。
own-pass = 臨時コードが { $until } まで有効です。
own-language = 言語
own-language-what = 端末とこの画面で、あなたへの表示に使う言語です。
own-logins = 自分の端末ログイン
own-logins-what = 心当たりのないものがあれば、キーの紛失を届け出て、ヘルプデスクに連絡してください。
own-all-logins = 自分のログインの一覧
own-sign-ins = この画面へのサインイン
sign-in-again-own = 紛失を届け出るには、もう一度サインインしてください。5分以内の署名が必要です。
lost-off = 接続中のすべての端末で、すぐに使えなくなります。接続していない端末では、次に接続したときに使えなくなります。
lost-back = ここでは取り消せません。見つかったときは、管理者が再開できます。
lost-last = これが、使える最後のキーです。届け出ると、キーではログインできなくなります。
lost-this = このキーでサインインしています。届け出るとサインアウトします。手元にある場合は、戻って、紛失したキーを選んでください。
lost-next = 次にすること：ヘルプデスクに連絡してください。臨時コードか別のキーを受け取れます。
lost-where = 紛失した場所と日時（分かれば。管理者に伝わります）
lost-do = キーを停止する
lost-done = キーを停止しました。このキーでサインインしていたため、サインアウトしました。

## レポート
reports = レポート
from = 開始日
to = 終了日
by = 単位
fitting = 自動
hour = 時間
day = 日
show = 表示
unused-days = 未使用とみなす日数
report-logins = ログイン
report-logins-says = スコープ、時間または日、サービスごとのログインと拒否、二要素の割合、拒否の理由。
report-exceptions = 例外
report-exceptions-says = 臨時コードと登録コード、オフラインのログイン、証明できない機器、キーなしの入口、管理者の例外操作。
report-inventory = キーと利用者
report-inventory-says = キーの機種、キーや予備のない利用者、使われていないアカウントとキー。
report-coverage = 端末
report-coverage-says = 端末の状態、バージョン、段階、最終連絡、キーによるログインとキーなしの入口。
report-shared = 共有アカウント
report-shared-says = 共有アカウントを誰が、何回、どこで、最初と最後にいつ使ったか。
