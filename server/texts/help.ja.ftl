# wardkey-server --help の日本語。英語は src/cli/args.rs とその下にある。
# 名前: コマンド-サブコマンド、その後に _オプション。説明の長い方は __long、後に続く文は __after を付ける。
# any_オプション は、自身の文がないすべてのコマンドのもの。

wardkey-server = Wardkey のサーバー。職員、セキュリティキー、端末、記録を管理します。
wardkey-server_config = 設定ファイル。
help = このヘルプか、コマンドのヘルプを表示します。
option_help = ヘルプを表示します。
option_version = バージョンを表示します。
any_reason = 理由（操作の記録に残ります）。
any_search = この文字を含む行だけを表示します（大文字と小文字は区別しません）。
any_limit = 表示する行数。1～10000。既定値は 1000（記録と操作の記録は 100）。
any_after = この行の続きを表示します（前のページの next）。
any_login = ログイン名。
any_scopes = スコープ。

## init、run
init = 新しい施設を作ります（鍵、証明書、データベース）。
init_name = 施設の名前。
init_rp_id = Relying party id。組織のドメインです。キーの登録に使うため、後から変更できません。
init_server_names = 端末がこのサーバーに接続するときの名前とアドレス。
init_scopes = 最初のスコープ。
init_yes = 確認を求めません。標準入力が端末でないときも、確認を求めません。
status = サーバーの状態と、対処が必要なことを 1 画面に表示します。
run = SIGTERM を受けるまで端末に応答します（サービスが実行します）。

## 職員
person = 職員（ログインできる人）。
person-add = 職員を追加します。
person-add_login = ログイン名。Unix アカウントの名前でもあります。
person-add_name = 氏名。
person-add_latin_name = ローマ字氏名。氏名を表示できないテキストコンソールで、代わりに表示します。
person-add_scopes = ログインできるスコープ。
person-add_groups = グループ。
person-add_language = 職員に見せる文の言語（ja または en）。
person-add_valid_from = 最初の日（2026-04-01。設定のタイムゾーン）か、日時（2026-04-01T08:30:00+09:00）。
person-add_valid_until = 最後の日（その日は 1 日使えます）か、使えなくなる日時。
person-set = 職員の情報を変更します。指定しない項目は変わりません。
person-set_name = 氏名。
person-set_latin_name = ローマ字氏名。氏名を表示できないテキストコンソールで、代わりに表示します。
person-set_no_latin_name = ローマ字氏名をなくします。
person-set_add_scopes = 追加するスコープ。
person-set_remove_scopes = 除くスコープ。
person-set_add_groups = 追加するグループ。
person-set_remove_groups = 除くグループ。
person-set_scopes = すべてのスコープ（今のものと入れ替えます）。
person-set_groups = すべてのグループ（今のものと入れ替えます）。名前を書かなければ、なしにします。
person-set_language = 職員に見せる文の言語（ja または en）。
person-set_valid_from = 最初の日か、日時。
person-set_valid_until = 最後の日（その日は 1 日使えます）か、使えなくなる日時。
person-set_always_valid = 有効期間をなくします。
person-disable = 職員を停止します。接続中の端末では約 1 秒で、ほかの端末ではオフラインの規則に従って、ログインできなくなります。未使用の登録コードは無効になります。
person-enable = 停止した職員を元に戻します。
person-delete = 職員と、そのすべてのキーを削除します。元に戻せません。
person-list = 職員の一覧（ログイン名の順）。
person-list_scope = このスコープの職員だけを表示します。
person-show = 職員と、そのすべてのキーを表示します。
person-import = 多くの職員を一度に追加します。全員を追加するか、1 人も追加しません。
person-import__long =
    多くの職員を一度に追加します。全員を追加するか、1 人も追加しません。

    CSV: 表計算ソフトで保存したままのファイル。1 行目は列名（login、name、必要なら latin_name、language、scopes、groups、valid_from、valid_until。日本語の列名も使えます）。値の区切りはカンマ、セミコロン、タブ、スコープとグループの区切りは空白、セミコロン、カンマです。文字コードは UTF-8、UTF-16、Shift_JIS です。

    JSON lines: 同じ項目に、scopes と groups の一覧と、credentials（id、public_key、label、rp_id、aaguid、counter、cred_protect、backup_eligible、discoverable の一覧。id と public_key（COSE_Key）はパディングなしの base64url）。取り込んだキーは、アテステーション済みとはみなしません。誤りは、すべて行番号とともに表示します。
person-import_file = ファイル。
person-import_format = 形式。なければファイル名の終わりで決めます。
person-import_check = ファイルを確認し、結果だけを表示します。誰も追加しません。
person-import_skip_existing = 登録済みの職員は変更せず、残りを追加します。

## セキュリティキー
key = セキュリティキー。
key-list = キーの一覧（全員、または 1 人の職員）。
key-list_disabled_since = この日時以降に無効化・削除され、今もそのままのキーだけを、新しい順に表示します。
key-show = キーと、その持ち主を表示します。
key-show_fingerprint = 識別番号の始め（4 桁以上）。
key-disable = キーを停止します。接続中の端末では約 1 秒で、ほかの端末ではオフラインの規則に従って、使えなくなります。
key-enable = 停止したキーを元に戻します。
key-clear-suspicion = キーの複製の疑いを取り消します。--reason で調べた結果を指定します。
key-delete = キーを削除します。元に戻せません。
any_fingerprint = 「key list」に表示される識別番号の始め。
any_person = 持ち主のログイン名。ほかの職員のキーは変更せず、確認も求めません。
any_yes = キーの確認を求めません。

## 登録コード
code = 職員がキーの登録に使う、1 回限りのコード。
code-add = 登録コードを作り、表示します。
code-add_expires = コードの有効時間（30m、24h、7d）。最長 30 日です。
code-list = 登録コードの一覧（新しい順）。コードそのものは保存していません。
code-show = 職員の最後の登録コードを表示します（有効期限、使用済みかどうか）。
code-delete = 職員の未使用の登録コードを、すべて無効にします。

## 臨時コード
pass = キーを忘れた職員のための臨時コード。
pass-add = キーを忘れた職員の臨時コードを作り、表示します。前の臨時コードは無効になります。次にキーでログインすると、このコードも無効になります。
pass-add_seconds = 有効時間（2h、8h）。職員のスコープが許す時間までです。
pass-add_scope = このスコープの端末で使えます。職員のスコープが複数のときに指定します。
pass-add_terminal = この端末（名前か、ID の始め）だけで使えます。
pass-add_reason = 理由（操作の記録と、使うたびの記録に残ります）。
pass-list = 臨時コードの一覧（新しい順）。コードそのものは保存していません。
pass-show = 職員の最後の臨時コードを表示します。
pass-disable = 職員の臨時コードを無効にします。接続中の端末では約 1 秒で、ほかの端末では伝わったときか期限が切れたときに、使えなくなります。

## 貸出用キー
loaner = キーを忘れた職員などに貸すキー。
loaner-add = 貸出用キーを加え、端末での登録（wardkey enroll）に使うコードを表示します。名前はキーに書いておきます。未登録のキーには、もう一度実行すると別のコードを作ります。
loaner-add_name = 貸出用キーの名前（キーに書くもの）。職員の名前とは別にします。
loaner-add_expires = コードの有効時間（30m、24h、7d）。最長 30 日です。
loaner-list = 貸出用キーの一覧（名前の順）。だれに、いつまで貸しているか。未返却のキーも分かります。
loaner-show = 貸出用キーと、その最後の貸出を表示します。
loaner-show_name = 貸出用キーの名前。
loaner-lend = キーを一人の職員に、期限を決めて貸し出します。職員が自分のキーでログインしたときも、貸出は終わります。前に借りた人が知っているので、先にキーの暗証番号を変えます。
loaner-lend_name = 貸出用キーの名前。
loaner-lend_login = 借りる職員のログイン名。
loaner-lend_seconds = 貸出時間（2h、8h）。職員のスコープが許す時間までです。
loaner-lend_pin_changed = ほかの人が使った後に、キーの暗証番号を変えました。付けないと貸し出せません。
loaner-lend_reason = 理由（操作の記録と、使うたびの記録に残ります）。
loaner-return = キーの返却を受けます（貸出が先に終わっていたときも）。返却するまで、ほかの人には貸し出せません。接続中の端末では約 1 秒で、ほかの端末では伝わったときか期限が切れたときに、使えなくなります。
loaner-return_name = 貸出用キーの名前。
loaner-disable = 貸出用キーを、貸出中でも停止します（紛失したときなど）。
loaner-disable_name = 貸出用キーの名前。
loaner-enable = 停止した貸出用キーを、再び使えるようにします。
loaner-enable_name = 貸出用キーの名前。
loaner-delete = 貸出用キーから外します。元に戻せません。
loaner-delete_name = 貸出用キーの名前。
break-glass = 緊急時のための、封筒に入れるコード。
break-glass-add = アカウントの緊急用コードを作り、一度だけ表示します（封筒に入れます）。スコープの端末のどれかで 1 回だけ、ネットワークがなくてもログインでき、sudo には使えません。使うと警報が出ます。前のコードは無効になります。
break-glass-add_login = アカウントのログイン名（名簿にあり、キーのないもの）。
break-glass-add_scope = このスコープの端末で使えます。アカウントのスコープが複数のときに指定します。
break-glass-add_seconds = 有効期間（90d、365d）。スコープが許す期間まで、最長 400 日です。
break-glass-add_reason = 理由（操作の記録と、使用の記録に残ります）。
break-glass-list = 緊急用コードの一覧（新しい順）：封印中、使用済み、無効、期限切れ。コードそのものは保存していません。
break-glass-show = アカウントの最後の緊急用コードと、いつどこで使われたかを表示します。
break-glass-show_login = アカウントのログイン名。
break-glass-disable = アカウントの緊急用コードを無効にします。接続中の端末では約 1 秒で、ほかの端末では伝わったときか期限が切れたときに、使えなくなります。
break-glass-clear-alarm = 使われた緊急用コードの警報を解除します。何があったかを --reason に書きます。

## 端末
terminal = 端末。
terminal-list = 端末の一覧（名前の順）。
terminal-list_tag = このタグの端末だけを表示します。
terminal-list_runs = プログラムがこのバージョンの端末だけを表示します。
terminal-list_silent = この時間以上連絡がない端末だけを表示します（省略時は 24h）。失効した端末は除きます。
terminal-list_behind = 配信した名簿よりこの数（省略時は 1）以上遅れている、有効な端末だけを表示します。失効などの最新の変更がまだ届いていない端末です。端末の申告を 1 分ごとに書き込みます。
terminal-list_came_by = 最後にサーバーのこのアドレスへ接続した端末だけを表示します（address show を参照）。1 分ごとに書き込みます。
terminal-list_old_root = 最新のルート文書（最新の鍵）を持っていない端末だけを表示します。失効した端末は除きます。端末の申告を 1 分ごとに書き込みます。
terminal-list_old_certificate = 今の認証局の証明書をまだ使っていない端末だけを表示します（ca show を参照）。失効した端末は除きます。
terminal-list_stage = このオフラインの段階にあると見込まれる、有効な端末だけを表示します。
terminal-list_scope = このスコープの端末だけを表示します。
terminal-show = 端末を表示します。
any_terminal = 端末の名前か、ID の始め。
terminal-set = 端末の名前、スコープ、タグを変更します。
terminal-set_name = 新しい名前。
terminal-set_add_tags = 追加するタグ（端末を区別するための語）。
terminal-set_remove_tags = 除くタグ。
terminal-set_add_scopes = 追加するスコープ。
terminal-set_remove_scopes = 除くスコープ。
terminal-set_scopes = すべてのスコープ（今のものと入れ替えます）。
terminal-approve = 複数台用のトークンで参加した端末を承認します。
terminal-disable = 端末を失効させます。その端末では誰もログインできなくなります。24 時間以内なら「terminal enable」で取り消せます。
terminal-delete = 失効した端末を一覧から除きます。その機器は別の端末として参加できるようになります。記録は残ります。
terminal-enable = 失効を取り消します（24 時間以内）。それより後は、端末をもう一度参加させます。

## 参加トークン
token = 端末が参加に使うトークン。
token-add = 参加トークンを作り、表示します。
token-add_scopes = 端末のスコープ（1～8 個）。
token-add_replace = この端末（名前か、ID の始め）と入れ替わる機器用。入れ直した機器、交換した機器、鍵を失った機器に使います。今の証明書は使えなくなります。--scope がなければ、スコープを引き継ぎます。
token-add_expires = トークンの有効時間（30m、24h、7d）。最長 30 日です。トークンを読んだ人が、それに合うルート鍵を何年もかけて探せないようにするためです。
token-add_uses = 使える台数。2 台以上では、端末ごとに承認します。
token-list = 参加トークンの一覧（新しい順）。トークンそのものは、もう一度表示できません。
token-show = トークンを表示します（スコープ、有効期限、使った台数）。
token-show_token = トークンか、その ID。
token-delete = 参加トークンを無効にします。
token-delete_token = トークンか、その ID。

## API キー
api-key = ネットワーク経由で管理するプログラムや人が使うキー。
api-key-add = API キーを作り、そのトークンを表示します。
api-key-add_name = 用途（人が読むための名前）。
api-key-add_role = できること。owner、site-administrator、help-desk、approver、auditor のいずれか（docs/ROLES.md）。
api-key-add_scopes = 対象のスコープ。なければ、すべてのスコープが対象です。
api-key-add_expires = 有効期間（24h、90d）。最長 400 日です。
api-key-list = API キーの一覧（新しい順）。トークンそのものは、もう一度表示できません。
api-key-show = API キーを表示します（できること、対象、期限、最後に使われた日時）。
any_key = 「api-key list」に表示される ID。
api-key-disable = API キーをすぐに停止します。元に戻せません。必要なら新しく作ります。
api-key-delete = API キーを削除します。

## 管理者
administrator = 管理者（役割のある職員）。
administrator-add = 職員に役割を付けます。1 人に 1 つで、期限を付けることもできます。
administrator-add_role = できること。owner、site-administrator、help-desk、approver、auditor のいずれか（docs/ROLES.md）。
administrator-add_scopes = 対象のスコープ。なければ、すべてのスコープが対象です。
administrator-add_until = 最後の日（その日は 1 日使えます）か、使えなくなる日時。
administrator-add_seconds = 有効期間（12h、90d）。
administrator-list = 役割のある職員の一覧（ログイン名の順）。
administrator-list_role = この役割の職員だけを表示します。
administrator-show = 職員の役割を表示します（できること、対象、付与日時、期限）。
administrator-set = 職員の役割を変更します。指定しない項目は変わりません。
administrator-set_role = できること。owner、site-administrator、help-desk、approver、auditor のいずれか（docs/ROLES.md）。
administrator-set_scopes = 対象のスコープ（今のものと入れ替えます）。
administrator-set_all_scopes = すべてのスコープを対象にします。
administrator-set_until = 最後の日（その日は 1 日使えます）か、使えなくなる日時。
administrator-set_seconds = 今からの有効期間（12h、90d）。
administrator-set_without_end = 期限をなくします。
administrator-remove = 職員の役割を外します。次の要求から使えなくなります。職員はそのまま残ります。

## スコープと共用アカウント
scope = スコープ（病棟、施設など）とその規則。
scope-add = スコープを追加します。
scope-add_name = 名前（病棟、施設など）。
scope-list = スコープの一覧（名前の順）。
scope-show = スコープと、その規則を表示します。
scope-show_name = スコープ。
scope-set = スコープの規則を変更します。指定しない項目は変わりません。
scope-set_name = スコープ。
scope-set_soft = サーバーにつながらなくても、この時間までは全員がログインできます（お知らせを表示）。
scope-set_degraded = その後この時間までは、その端末を使ったことのある職員がログインできます（sudo は使えません）。
scope-set_hard = その後この時間までは、緊急時の担当者のグループだけがログインできます。その後は誰もログインできません。
scope-set_emergency_groups = 緊急時の担当者のグループすべて（今のものと入れ替えます）。名前を書かなければ、なしにします。
scope-set_lockout_threshold = 受付を停止するまでの、連続した失敗の回数。
scope-set_lockout_delay = 最初の停止時間。失敗のたびに 2 倍になります。
scope-set_lockout_longest = 最も長い停止時間。
scope-set_on_removal = 使用中にキーを抜いたときの動作。lock（画面をロック）、greeter（ロックしてログイン画面を表示）、end（セッションを終了）、nothing（何もしない）。ロックできないセッションは終了します。
scope-set_idle = 操作がないままこの時間が過ぎると、画面をロックします（never はなし）。
scope-set_longest = 最後のログインかロック解除からこの時間が過ぎると、画面をロックします（never はなし）。
scope-set_passes = キーを忘れた職員が使う臨時コード（pass add）の、最長の有効時間（72h まで）。0 は使えません。
scope-set_vouch_groups = キーを忘れた同僚を保証できるグループすべて（今のものと入れ替えます）。名前を書かなければ、だれも保証できません（初期値）。
scope-set_vouch_longest = 同僚の保証が続く最長の時間。24h まで（初期値 8h）。
scope-set_vouch_per_month = 1 台の端末で、30 日間に 1 人を保証できる回数（初期値 3）。
scope-set_pass_except = 臨時コードを使えないサービスすべて（今のものと入れ替えます）。名前を書かなければ、権限を上げるサービスだけにします。
scope-set_loans = キーのない職員に貸出用キーを貸す（loaner lend）、最長の時間（72h まで）。0 は貸しません。
scope-set_min_pin_length = 登録するキーの PIN の最短の文字数（4～63）。対応するキーは、以後これより短い PIN を受け付けません。0 はキーの設定どおり（初期値）。
scope-set_pin_change_at_first_use = yes なら、登録したキー（対応するもの）は、最初のログインで新しい PIN を求めます。
scope-set_break_glass = ほかに方法がないときに 1 回だけ使える緊急用コード（break-glass add）の、最長の有効期間（400d まで）。0 は使えません。
scope-set_ask_name = yes なら、必ずユーザー名を尋ねます。no なら、名前を尋ねないログイン画面で、その端末を使ったことのある職員のキーを差し込むと、誰が差し込んでも、職員の名前を表示します。
account = 複数の職員が使う Unix アカウント（共用アカウント）。
account-list = 共用アカウントの一覧（名前とスコープの順）。
account-show = 共用アカウントを表示します（スコープごとの使えるグループ）。
account-set = グループの職員が、各自のキーで Unix アカウントを使えるようにします。記録には職員の名前が残ります。
any_account = Unix アカウント。
account-set_scopes = 共用にするスコープ。
account-set_groups = 使える職員のグループすべて。
account-delete = アカウントの共用を終えます。
account-delete_scopes = 共用を終えるスコープ。

## 記録と保守
session = 端末にログイン中の職員。
session-list = 端末にログイン中の職員の一覧（新しい順）。端末の記録によるもので、端末の最終接続より後のことはここでは分かりません。
session-list_scope = このスコープの端末だけを表示します。
session-list_terminal = この端末（名前か、ID の始め）だけを表示します。
session-list_person = この職員だけを表示します。
events = 端末の記録（ログインなど）。
events-list = 記録の一覧（新しい順）。拒否の理由も表示します。
events-list_person = この職員かアカウントの記録。
events-list_terminal = この端末（名前か、ID の始め）の記録。
events-list_name = この種類の記録（login、heartbeat など）。
events-list_outcome = success（成功）または failure（失敗）。
events-list_invalid = 証拠を検証できなかった記録だけを表示します。
events-list_since = この日時より後の記録。
audit = 管理者の操作の記録（誰が、何を、なぜ）。
audit-list = 操作の一覧（新しい順）。
audit-list_object = このログイン名、識別番号、端末、スコープへの操作。
audit-verify = 変更、削除、挿入された行がないことを確認します。
log = 記録の台帳。変更や削除があれば、外部の人にも分かります。
log-show = 台帳の名前、件数、ルート、署名の日時、検証用の鍵を表示します。
log-checkpoint = 署名したチェックポイントを出力します。サーバーの外に保管すると、今の記録を後で証明できます。
log-checkpoint_witnessed = 端末が連署した最も新しい時点のものを、連署を付けて出力します。
log-export = 台帳をフォルダーに書き出します。以前に書き出したフォルダーには、増えた分を加えます。
log-export__long =
    台帳をフォルダーに書き出します。以前に書き出したフォルダーには、増えた分を加えます。

    フォルダーは C2SP tlog-tiles の形で、ほかのツールで読め、どの Web サーバーでも公開できます。職員の名前を含むすべての記録が入るので、データベースと同じように扱ってください。
log-export_to = フォルダー。新しいものか、以前に書き出したもの。
log-prove = 記録が台帳にあることの証明を出力します。その記録だけが入り、ほかの記録は入りません。
log-prove_record = 記録の ID。syslog の行と events list --json にあります。
log-prove_archive = 記録が整理済みのとき、その記録があるアーカイブ。
log-check = 書き出した台帳（すべての記録とハッシュ、署名、以前のチェックポイントとの一致）か、記録の証明を確認します。
log-check_from = 書き出したフォルダーか、証明のファイル。
log-check_key = log show が表示した検証用の鍵。指定しなければ、このサーバーの鍵。
log-check_since = 以前のチェックポイントか、以前に書き出したフォルダー。台帳がそれに続いていることを確認します。
log-check_since_key = 以前のチェックポイントの検証用の鍵。その後に配信鍵が盗まれ、別の鍵になったときに指定します。
log-check_witnesses = 以前のチェックポイントに連署しているべき端末の鍵（端末の wardkey status --json が表示します）。複数指定できます。
log-verify = データベースの記録に変更、削除、挿入がないことを確認します。
archive = 記録のアーカイブと、アーカイブにある記録の整理。
archive-create = 前回のアーカイブより後の記録を、署名したチェックポイントとともにファイルに書き込み、読み直して確認します。
archive-create__long =
    前回のアーカイブより後の記録を、署名したチェックポイントとともにファイルに書き込み、読み直して確認します。

    職員の名前を含むすべての記録と、このサーバーなしで確認するためのものが入ります。データベースと同じように扱ってください。
archive-create_to = 作るファイル。まだないものを指定します。
archive-create_from = 始まりの位置。省略時は前回のアーカイブの終わりです。
archive-create_witnessed = 今までではなく、端末が連署した最も新しいチェックポイントまでにします。
archive-list = 作成したアーカイブの一覧（新しい順）。
archive-show = アーカイブと、そのうち整理した記録の件数を表示します。
archive-show_number = archive list が表示する番号。
archive-verify = アーカイブの記録すべてを、署名されたルートと照合します。--key を指定すれば、データベースも設定も不要です。
archive-verify_file = アーカイブのファイル。
archive-verify_key = log show が表示した検証用の鍵。省略時はこのサーバーの鍵で、この台帳とも照合します。
archive-prune = 保存期間を過ぎ、このアーカイブにある記録を、データベースから取り除きます。
archive-prune__long =
    保存期間を過ぎ、このアーカイブにある記録を、データベースから取り除きます。

    保存期間は設定の [retention] で指定し、指定のない区分は残ります。アーカイブは先に読んで確認します。記録の位置、ID、ハッシュは残るので、ほかの記録の証明は変わりません。整理した記録はほかにないため、アーカイブは必ず保管してください。
archive-prune_file = アーカイブのファイル。
archive-prune_check = 予行。すべて確認し、対象を表示しますが、何も変更しません。
archive-prune_anyway = records_to の送り先にまだ送っていない記録も整理します。その送り先には届かなくなります。
archive-prune_yes = 確認しません。標準入力が端末でないときも確認しません。
report = レポート（何が何件起きたか、何があるか）。画面、表計算、印刷用のページに出力できます。
any_from = 期間の最初の日か、始まりの日時。省略時は直近の 30 日間です。
any_to = 期間の最後の日（その日を含みます）か、終わりの日時。省略時は今までです。
any_in_scope = このスコープだけにします。
any_csv = 1 つの表を CSV（RFC 4180）で出力します。--table がなければ最初の表です。
any_bom = CSV の先頭に BOM を付けます。Excel が UTF-8 と分かります。
any_table = この表だけを出力します。名前が違えば、ある表の名前を表示します。
any_html = グラフ付きのページをこのファイルに書きます。ブラウザーで見る、印刷する、保管するためのものです。職員の名前を含むので、所有者だけが読めます。
report-logins = ログインと拒否（スコープ、時間または日ごと）と、二要素の割合。
report-logins_by = hour（時間ごと）または day（日ごと）。省略時は期間に合わせます。
report-exceptions = 臨時コードと登録コード、オフラインでのログイン、確かめられなかった機器、キーなしの経路、管理者による例外の操作。
report-inventory = 現在のキーと職員。機種、キーや予備のキーがない職員、使われていないもの。
report-inventory_unused = この時間ログインがなければ、アカウントとキーを未使用とします。
report-coverage = 端末。現在の状態、バージョン、段階と、期間中のログイン、キーなしの経路。
report-shared-accounts = 共用アカウントを誰が使ったか。
backup = サーバーの動作中にバックアップを作り、読み直して確認します。
backup_to = 作るフォルダー。まだないものを指定します。
backup_recipients = 鍵を開ける人。age の受信者（age-keygen）。複数指定できます。
backup_recipients_file = 受信者を 1 行に 1 つ書いたファイル。
backup_without_keys = 鍵を除きます。別に控えがないと復元できません。
restore = バックアップを復元します。予行もできます。
restore_from = バックアップのフォルダー。
restore_check = 予行。すべてを確かめ、何が起きるかを表示し、何も変更しません。
restore_replace = 今あるデータベースを退避します。その後に無効にしたものは、再び無効にします。
restore_identity = 鍵を開ける age の識別ファイル。機械に鍵がないときに必要です。
restore_trail = 新しい操作の記録（新しいバックアップ、その trail.jsonl、データベース）。以降に無効にしたものを再び無効にします。
restore_root = 控えにあるルート鍵。読めるデータベースがないときに必要です。あれば、いつも照合します。
restore_yes = 確認を求めません。標準入力が端末でないときは必要です。
migrate = サーバーの停止中に、SQLite から PostgreSQL に移行します。
migrate_to = 移行先。server.toml の database と同じ書き方です。空のデータベースを指定します。
migrate_password_file = パスワードのファイル。server.toml の database_password_file と同じです。
publish-key = 端末が受け取るものにサーバーが署名する鍵（配信鍵）。
publish-key-show = 配信鍵、それを載せたルート文書、それを受け取った端末の数を表示します。
publish-key-rotate = 新しい配信鍵を作り、以後この鍵で署名します。
publish-key-rotate__long =
    新しい配信鍵を作り、以後この鍵で署名します。

    接続中の端末はすぐに、ほかの端末は再び接続したときに追随します。古い鍵で署名したものは publish-key retire まで有効です。
publish-key-rotate_stolen = 古い鍵がほかの人の手に渡った可能性があるとき。古い鍵はすぐに無効になり、エポックと番号を上げます。
publish-key-rotate_anyway = ルート鍵の紛失後、まだ再参加していない端末があっても交換します。その端末は再参加するまで古い情報のまま動きます。
publish-key-rotate_root_key = ルート鍵のファイル。このサーバーに置いていないときに指定します。
publish-key-rotate_identity = ルート鍵のファイルを開ける age の識別ファイル。
publish-key-retire = 鍵交換を終えます。古い鍵で署名したものは無効になります。
publish-key-retire_anyway = 新しい鍵を受け取っていない端末があっても終えます。その端末は再び接続したときに追随します。
publish-key-retire_root_key = ルート鍵のファイル。このサーバーに置いていないときに指定します。
publish-key-retire_identity = ルート鍵のファイルを開ける age の識別ファイル。
ca = 認証局（サーバーと端末の証明書を発行する鍵）。
ca-show = 認証局、以前の認証局、この認証局の証明書を使っている端末の数を表示します。
ca-prepare = 次の ca rotate で使う認証局を作り、証明書の場所を表示します。
ca-prepare__long =
    次の ca rotate で使う認証局を作り、証明書の場所を表示します。

    Wardkey 以外でサーバーや端末を検証するところ（記録の収集サーバー、管理者のブラウザーやプログラム）に、今の証明書に加えて渡してください。
ca-rotate = 認証局を新しいものに交換します。
ca-rotate__long =
    認証局を新しいものに交換します。

    古い認証局が新しい認証局を証明するので、端末はどちらを知っていてもサーバーを信用します。端末は交換を知ると証明書を更新します。古い認証局の証明書は ca retire まで有効です。
ca-rotate_stolen = 古い鍵がほかの人の手に渡った可能性があるとき。古い証明書は、端末の登録済みの鍵のものだけが有効です。ca prepare で作ったものは使いません。
ca-rotate_root_key = ルート鍵のファイル。このサーバーに置いていないときに指定します。
ca-rotate_identity = ルート鍵のファイルを開ける age の識別ファイル。
ca-retire = 交換を終えます。古い認証局の証明書は無効になります。
ca-retire_anyway = 古い証明書を使っている端末があっても終えます。その端末は再参加が必要です。
root-key = ルート鍵（ほかの鍵のどれが有効かに署名する鍵）。
root-key-show = ルート鍵、それが有効になったルート文書、追随した端末の数を表示します。
root-key-rotate = 新しいルート鍵を作り、古いルート鍵でその後継であることに署名します。
root-key-rotate__long =
    新しいルート鍵を作り、古いルート鍵でその後継であることに署名します。

    接続中の端末はすぐに、ほかの端末は再び接続したときに追随します。追随した端末では、古い鍵で署名したものは無効になります。未使用の参加トークンは取り消されます。
root-key-rotate_to = 新しい鍵を書くファイル。ほかの場所には残りません。指定しないと、新しい鍵はこのサーバーに置きます。まだないものを指定します。
root-key-rotate_recipients = 開ける人。age の受信者（age-keygen）。複数指定できます。
root-key-rotate_recipients_file = 受信者を 1 行に 1 つ書いたファイル。
root-key-rotate_lost = ルート鍵を紛失したとき。新しい鍵が後継であることに誰も署名できないので、すべての端末がもう一度参加する必要があります。
root-key-rotate_root_key = ルート鍵のファイル。このサーバーに置いていないときに指定します。
root-key-rotate_identity = ルート鍵のファイルを開ける age の識別ファイル。
root-key-export = ルート鍵を、age の受信者だけが開けるファイルに書き出します。
root-key-export_to = 作るファイル。まだないものを指定します。
root-key-export_recipients = 開ける人。age の受信者（age-keygen）。複数指定できます。
root-key-export_recipients_file = 受信者を 1 行に 1 つ書いたファイル。
root-key-export_remove = ファイルを書いた後、ルート鍵をこのサーバーから削除します。先に、受信者がこのようなファイルを開けることを確かめてください。
address = 端末がサーバーに接続するアドレス。
address-show = 端末に知らせるアドレス、サーバー証明書の名前、端末が最後に接続に使ったアドレスを表示します。
address-set = これまでの代わりに、これらのアドレスを端末に知らせます。端末はこの順に試します。
address-set__long =
    これまでの代わりに、これらのアドレスを端末に知らせます。端末はこの順に試します。

    先に各アドレスへ接続します。このサーバーが応答しなければ、何も変更しません。端末は、参加したときのアドレスと、この知らせを受けたアドレスも残します。サーバー証明書には、以前のものを含むすべての名前が入ります。
address-set_addresses = https://ホスト か https://ホスト:ポート。
address-set_none = アドレスを知らせるのをやめます。端末は、これまで接続したアドレスを使います。
address-set_anyway = 先に接続を試しません。まだ動いていないアドレスや、このマシンから届かないアドレスに使います。
address-retire = 端末に知らせなくなったホストを、サーバー証明書から外します。
address-retire_host = 名前かアドレス。address show の表示のとおりに書きます。
address-retire_anyway = 接続に使うかもしれない端末があっても外します。ほかのアドレスを知らない端末は、サーバーに接続できなくなります。
epoch = データベースを手作業で戻した後の操作。
epoch-raise = すべてのスコープのエポックを上げ、配信し直します。データベースを手作業で戻した後に使います。restore は自身で行います。
epoch-raise_at_least = この値以上にします。
clock = 署名に使う時計。
clock-show = サーバーの時計、最後に署名した時刻、その整合を表示します。
clock-confirm = サーバーが疑っている時計を、正しいと確認します。
clock-confirm__long =
    サーバーが疑っている時計を、正しいと確認します。

    時計が急に変わったとき、署名した時刻より前に戻ったとき、30 日を超えて停止していたことになるとき、サーバーは署名を止めます。端末は、署名された時刻より前には戻りません。時計が正しいことを確かめてください。
clock-confirm_now = 腕時計など、別の時計の今日の日付（2026-04-01）か日時（2026-04-01T08:30:00+09:00）。サーバーの時計と合っている必要があります。
config = 設定ファイル。
config-check = 設定ファイルと、そこに書かれたファイルを確認し、ファイル、行、キー、対処を表示します。何も起動しません。
