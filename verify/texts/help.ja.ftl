# wardkey-verify --help の日本語。英語は src/args.rs にある。

wardkey-verify = 書き出した Wardkey の記録の台帳と、ほかの場所にある記録の写しを確認します。
wardkey-verify__long =
    書き出した Wardkey の記録の台帳と、ほかの場所にある記録の写しを確認します。

    すべての記録とそのハッシュ、すべてのハッシュと署名されたルート、各ログインの署名とその時に登録されていた
    キーを照合します。サーバー、設定、ネットワークは不要で、何も変更しません。
wardkey-verify__after =
    例:
      wardkey-verify /media/log --key example.org/wardkey-log/...
      wardkey-verify /media/log --key example.org/wardkey-log/... \
        --since /media/safe/january --records auth.log --html report.html
      wardkey-verify /media/archive/2026-04.wka --key example.org/wardkey-log/...

    終了ステータスは、すべて成り立てば 0、成り立たないものがあれば 1、使い方の誤りは 2、ファイルを使えなければ 3 です。
wardkey-verify_folder = wardkey-server log export が書き出したフォルダーか、アーカイブのファイル。
wardkey-verify_archives = 整理された記録があるアーカイブ。複数指定できます。
wardkey-verify_key = 台帳の検証用の鍵。wardkey-server log show が表示します。このフォルダーからではなく、台帳の開始時に控えたものを使ってください。
wardkey-verify_since = 以前のチェックポイントか、以前に書き出したフォルダー。台帳がそれに続いていることを確認します。どの記録が違うかは、フォルダーの場合にだけ分かります。
wardkey-verify_since_key = 以前のチェックポイントの検証用の鍵。その後に台帳の鍵が盗まれ、別の鍵になったときに指定します。
wardkey-verify_records = ほかの場所にある記録の写し。1 行に 1 件（syslog のファイル、SIEM の JSON）。複数指定できます。
wardkey-verify_html = 印刷用の報告書を HTML のファイルにも書き出します。
wardkey-verify_json = JSON で出力します。エラーも JSON で、標準エラー出力に出します。
option_help = ヘルプを表示します。
option_version = バージョンを表示します。
