# wardkey --help の日本語。英語は src/args.rs にある。
# 名前: コマンド、コマンド_オプション、説明の長い方は __long を付ける（src/help.rs）。

wardkey = Wardkey の端末を管理します（状態、参加、セキュリティキー）。
wardkey_agent_socket = エージェントのソケット。
wardkey_key_socket = キーのプロセスのソケット。
wardkey_lang = メッセージの言語［既定値: ロケールの言語。なければ ja］。
any_search = この文字を含むものだけを表示します（大文字と小文字は区別しません）。
help = このヘルプか、コマンドのヘルプを表示します。
option_help = ヘルプを表示します。
option_version = バージョンを表示します。
status = この端末の状態を表示します。
who = キーでログインしている人、開始時刻、画面ロックの状態を表示します。
who__long =
    キーでログインしている人、開始時刻、画面ロックの状態を表示します。

    root にはすべてのセッション、ほかの利用者には自分のセッションだけを表示します。
try = ログインせずに、誰がログインできるかを手順ごとに説明します（root）。
try__long =
    ログインせずに、誰がログインできるかを手順ごとに説明します（root）。

    アカウント、PAM サービス、設定、エージェント、署名付きの名簿、ポリシー、キーの順に確かめます。暗証番号もタッチも求めず、何も記録せず、誰もログインさせません。ログインできない場合、終了ステータスは 1 です。
try_person = 利用者のログイン名。
try_account = 使うアカウント［既定値: 本人のアカウント］。
try_service = PAM サービス。
try_key = 差し込まれているキーの持ち主を確かめます（ログインが暗証番号を求める前に行うのと同じです）。ログインがキーを使っている間は行いません。
sync = サーバーから名簿を今すぐ取得します（root）。
join = 施設に参加し、トラストアンカーを書き込みます（root）。
join_server = サーバーのアドレス。https://HOST[:PORT]。PORT がなければ 8443。
join_token = 参加トークン（プロセスの一覧でほかの人に見えます。--token-file をお勧めします）。
join_token_file = 1 行目が参加トークンのファイル。標準入力は -。
join_name = この端末の名前［既定値: ホスト名］。
join_leave_deployment = 参加している施設を離れ、別の施設に参加します。
join_leave_deployment__long =
    参加している施設を離れ、別の施設に参加します。

    キーでのログインが有効な間はできません。先に「wardkey disable」を実行してください。
join_anchor = 書き込むトラストアンカー。
join_marks = トラストアンカーに属する、PAM モジュールの検証履歴。
enroll = 差し込まれているセキュリティキーを、登録コードで登録します。
enroll__long =
    差し込まれているセキュリティキーを、登録コードで登録します。

    標準入力が端末でなければ、答えを 1 行ずつ、尋ねる順に読みます。登録コード（--code がないとき）、PIN（キーにまだなければ 2 回）の順です。
enroll_code = 登録コード。なければ尋ねます。
enroll_label = サーバーの一覧でのキーの名前［既定値: 機器の名前］。
enroll_desk = 次々と登録します。登録コードを尋ねる画面で Ctrl-C を押すと終わります。窓口用です。
enroll_desk__long =
    次々と登録します。登録コードを尋ねる画面で Ctrl-C を押すと終わります。窓口用です。

    始めてから 2 分間何も答えないと、最初からやり直しになります。そばを離れないでください。Ctrl-C や Ctrl-Z を押すと、キーボードの前の人がシェルを使えます。
enroll-console = 登録用コンソール。登録コードのある人がキーを登録する仮想端末です。そこでは誰もログインしていません。
enroll-console-enable = 登録用コンソールを tty12 で開きます。端末の起動時にも開きます（root）。
enroll-console-enable__long =
    登録用コンソールを tty12 で開きます。端末の起動時にも開きます（root）。

    登録コードのある人が、次々とキーを登録します。そこでは誰もログインしていません。Ctrl+Alt+F12 で表示します。
enroll-console-disable = 登録用コンソールを閉じます（root）。
enroll-console-status = 登録用コンソールが開いているかどうかを表示します。
enroll-console-run = 登録用コンソールとして動きます（wardkey-enroll.service が実行します）。
enroll-console-run__long =
    登録用コンソールとして動きます（wardkey-enroll.service が実行します）。

    端末が切れるか、プログラムが停止されるまで、端末を占有します。端末のキー操作でシグナルは送られず、入力されたものはスワップ領域に書き込まれず、ほかのプログラムは起動されません。
enable = 職員がキーでログインできるようにします（root）。
enable__long =
    職員がキーでログインできるようにします（root）。モジュールをこの端末の PAM サービスに入れます。

    端末が参加していて名簿が新しく、職員のテストログインが成功し、端末の管理者がキーなしでログインできるときだけ有効にします。変更は、確認がなければ 2 分後（--within）に元に戻ります。その間に再起動しても元に戻ります。確認は、尋ねられたときに yes と入力するか、「wardkey enable --confirm」を実行します。

    標準入力が端末でなければ、答えを 1 行ずつ読みます。ユーザー名、テストログインで尋ねるもの（PIN）の順です。確認は尋ねません。
enable_confirm = 確認待ちの変更を確定します。
enable_within = 確認を待つ時間（2～30 分）。
disable = モジュールを PAM サービスから外します（root）。
disable__long =
    モジュールを PAM サービスから外します（root）。

    何が壊れていても実行できます。/etc/pam.d/common-* の手作業の変更は上書きしません。
disable_unconfirmed = 確認されなかった変更だけを元に戻します（wardkey-undo.service が実行します）。
doctor = キーなしでログインできる箇所と、ほかの問題を探します（root）。
doctor__long =
    キーなしでログインできる箇所と、ほかの問題を探します（root）。

    PAM のサービスをすべて、職員、端末のアカウント、root について libpam と同じように判定します。自動ログイン、sshd、所有者とモード、職員のアカウント、ユニット、時計、証明書、名簿も調べます。受け入れていない項目があれば、終了ステータスは 1 です。
doctor_accept = サービス、ファイル、アカウントの今の状態を受け入れます。/etc/wardkey/accepted.toml に書き、記録します。
doctor_reason = 受け入れる理由。
doctor_record = 前回から新しく開いた箇所を記録します（wardkey-doctor.service が実行します）。
config = この端末の設定ファイルを確認、編集します。
config-check = /etc/wardkey の誤りをすべて、ファイル、行、キー、対処とともに表示します。
config-check__long =
    /etc/wardkey の誤りをすべて、ファイル、行、キー、対処とともに表示します。

    pam.toml、agent.toml、参加済みの端末ではトラストアンカーを、PAM モジュールとエージェントと同じように読みます。local_accounts にある、存在しないアカウントと名簿の職員も示します。誤りがあれば、終了ステータスは 3 です。
config-check_pam = PAM モジュールの設定。
config-check_agent = エージェントの設定。
config-check_watch = pam.toml に誤りがなければ /etc/wardkey/local-accounts も書き直します（root）。
config-check_watch__long =
    pam.toml に誤りがなければ /etc/wardkey/local-accounts も書き直します（root）。

    端末の起動時と、pam.toml、/etc/passwd、/etc/login.defs の変更時に wardkey-config.service が実行します。メッセージには、ジャーナルが読む優先度が付きます。
config-edit = /etc/wardkey/pam.toml を visudo のように編集します（root）。
config-edit__long =
    /etc/wardkey/pam.toml を visudo のように編集します（root）。

    $VISUAL、$EDITOR、sensible-editor のいずれかで写しを編集します。保存する前に確認します。誤りのあるファイルは保存せず、もう一度編集できます。次のログインから、保存した内容を読みます。
key = セキュリティキーの一覧を表示するか、PIN を変更します。
key-list = 差し込まれているセキュリティキーの一覧を表示します。
key-change-pin = 差し込まれているセキュリティキーの PIN を変更します。
key-change-pin__long =
    差し込まれているセキュリティキーの PIN を変更します。

    標準入力が端末でなければ、3 行を読みます。今の PIN、新しい PIN、もう一度新しい PIN です。
