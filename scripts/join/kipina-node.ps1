# Joins this machine to a Kipinä hub: finds an Ollama, fetches and checks the program kipina-node, and runs it.
#
#   irm https://kipina.studio/kipina-node.ps1 | iex
#   & ([scriptblock]::Create((irm https://kipina.studio/kipina-node.ps1))) --engine     what follows goes to the program
#
# KIPINA_HUB   another hub than the one that this came from
# OLLAMA_URL   which Ollama; the rest of the program's environment is passed on too
#
# What kipina-node.sh does, for Windows PowerShell 5.1 and newer; docs/JOIN.md describes both. All of it stands in one
# block: half a download does not parse, so none of it runs, and nothing of it stays in the session. Beyond ASCII there
# are only a few letters in single quotes: an old PowerShell that reads a saved copy takes bytes of others for quotes.

& {
    $ErrorActionPreference = 'Stop'
    $carriedHub = '@KIPINA_HUB@'
    $carriedKey = '@KIPINA_RELEASE_KEY@'
    $data = [IO.Path]::Combine([Environment]::GetFolderPath('LocalApplicationData'), 'kipina')
    $versions = Join-Path $data 'versions'
    # Whether what was fetched is not to be trusted.
    $state = @{ IsRefused = $false }
    # A junction to the version that runs: links of files take rights that few have.
    $current = Join-Path $data 'current'

    # --- what is said ----------------------------------------------------------------------------------

    $messages = @{
        wrong_hub         = @('KIPINA_HUB: "{0}" ei ole kelpo osoite. Kirjoita se näin: https://kipina.studio', 'KIPINA_HUB: "{0}" is no usable address. Write it like this: https://kipina.studio')
        not_windows       = @('Muualla kuin Windowsissa tämä tehdään näin: curl -fsSL {0}/kipina-node | bash', 'Elsewhere than on Windows use: curl -fsSL {0}/kipina-node | bash')
        cannot_write      = @('Kansioon {0} ei voi kirjoittaa ({1}). Tee tilaa levylle ja tarkista oikeudet.', 'Cannot write to {0} ({1}). Make room on the disk, and check the rights.')
        no_answer         = @('{0} ei vastaa ({1}). Tarkista verkkoyhteys ja osoite (KIPINA_HUB).', '{0} does not answer ({1}). Check the network, and the address (KIPINA_HUB).')
        bad_status        = @('{0} vastasi virheellä (HTTP {1}). Kysy keskuksen ylläpitäjältä.', '{0} answered with an error (HTTP {1}). Ask the operator of the hub.')
        web_page          = @('{0} antoi aivan muuta kuin luettelon ohjelmista. Kirjaudu verkkoon, jos se pyytää sitä, ja tarkista osoite (KIPINA_HUB).', '{0} gave something quite different from its list of programs. Sign in to the network if it asks you to, and check the address (KIPINA_HUB).')
        no_downloads      = @('Keskuksella {0} ei ole valmista ohjelmaa jaettavana. Kysy sen ylläpitäjältä.', 'The hub {0} has no programs to give. Ask its operator.')
        no_program        = @('Keskuksella {0} ei ole ohjelmaa tälle koneelle (Windows {1}). Kysy sen ylläpitäjältä.', 'The hub {0} has no program for this machine (Windows {1}). Ask its operator.')
        no_key            = @('Keskukselta {0} ei saatu avainta, jolla sen ohjelmat on allekirjoitettu. Kysy sen ylläpitäjältä; mitään ei asennettu.', 'The hub {0} did not give the key that its programs are signed with. Ask its operator; nothing was installed.')
        changed_key       = @('Keskus {0} allekirjoittaa nyt eri avaimella kuin ennen. Kysy sen ylläpitäjältä. Jos avain on vaihdettu, poista {1} ja aja tämä uudelleen; muuten joku voi olla välissä. Mitään ei asennettu.', 'The hub {0} now signs with another key than before. Ask its operator. If the key was changed, delete {1} and run this again; if not, somebody may be in between. Nothing was installed.')
        bad_signature     = @('Keskuksen {0} luettelossa on väärä allekirjoitus. Joku on muuttanut sitä; kerro keskuksen ylläpitäjälle. Mitään ei asennettu.', 'The list of the hub {0} has a wrong signature. Somebody has changed it; tell the operator of the hub. Nothing was installed.')
        wrong_sum         = @('{0} ei ole se tiedosto, jonka keskus on allekirjoittanut, ja se hylättiin. Yritä uudelleen; jos tämä toistuu, kerro keskuksen ylläpitäjälle.', '{0} is not the file that the hub has signed, and was thrown away. Try again; if this comes again, tell the operator of the hub.')
        does_not_start    = @('Ohjelma ei käynnisty tällä koneella: {0}. Jos virustorjunta esti sen, salli se ja aja tämä uudelleen.', 'The program does not start on this machine: {0}. If a virus scanner stopped it, allow it and run this again.')
        keeping_old       = @('Versio {0} ei käynnisty tällä koneella ({1}). Jatketaan versiolla {2}.', 'Version {0} does not start on this machine ({1}). Going on with version {2}.')
        using_installed   = @('{0} Käytetään asennettua versiota {1}.', '{0} Using the installed version {1}.')
        newer_here        = @('Asennettu versio {0} on uudempi kuin keskuksen {1}. Käytetään sitä.', 'The installed version {0} is newer than {1}, which the hub has. Using it.')
        not_installed     = @('kipina-node ei ole asennettuna tällä koneella.', 'kipina-node is not installed on this machine.')
        downloading       = @('Haetaan kipina-node {0}.', 'Downloading kipina-node {0}.')
        going_on          = @('Yhteys katkesi; jatketaan.', 'The connection broke off; going on.')
        installed         = @('Asennettiin kipina-node {0}: {1}', 'Installed kipina-node {0}: {1}')
        on_path           = @('Komento kipina-node löytyy nyt myös uusista ikkunoista.', 'The command kipina-node is now found in new windows too.')
        using_ollama      = @('Käytetään Ollamaa ({0}): {1}', 'Using Ollama ({0}): {1}')
        silent_ollama     = @('OLLAMA_URL: {0} ei vastaa Ollaman tavoin. Etsitään muualta.', 'OLLAMA_URL: nothing at {0} answers as Ollama does. Looking elsewhere.')
        several           = @('Täällä vastaa useampi Ollama:', 'Several Ollamas answer here:')
        engine_choice     = @('ei Ollamaa, vaan oma moottori (suoritin riittää)', 'no Ollama, but the built-in engine (a CPU is enough)')
        which             = @('Mitä käytetään? [1]', 'Which one? [1]')
        between           = @('Kirjoita luku väliltä 1-{0}.', 'Type a number from 1 to {0}.')
        took_first        = @('Ollamia vastaa useampi; käytetään ensimmäistä. OLLAMA_URL valitsee toisen: {0}', 'Several Ollamas answer; using the first. Choose another with OLLAMA_URL: {0}')
        starting_ollama   = @('Käynnistetään Ollama taustalle.', 'Starting Ollama in the background.')
        ollama_silent     = @('Ollama ei käynnistynyt. Kokeile käynnistää se Käynnistä-valikosta.', 'Ollama did not start. Try starting it from the Start menu.')
        install_ollama    = @('Ollamaa ei löydy. Oma moottori laskee ilmankin, mutta tuntee vähemmän malleja. Asennetaanko Ollama? [k/E]', 'There is no Ollama. The built-in engine computes without it, but knows fewer models. Install Ollama? [y/N]')
        get_ollama        = @('Ollaman asennus ei onnistunut. Sen saa myös täältä: https://ollama.com/download', 'Installing Ollama did not work. It is also at https://ollama.com/download')
        using_engine      = @('Ollamaa ei ole: lasketaan omalla moottorilla.', 'There is no Ollama: computing with the built-in engine.')
    }

    $locale = @($env:LC_ALL, $env:LC_MESSAGES, $env:LANG, (Get-UICulture).Name) | Where-Object { $_ } | Select-Object -First 1
    $language = if ($locale -like 'fi*') { 0 } else { 1 }

    function Get-Message([string] $Key, [object[]] $Values) { $messages[$Key][$language] -f $Values }

    function Write-Message([string] $Key, [object[]] $Values) { [Console]::Error.WriteLine((Get-Message $Key $Values)) }

    # What ends a run with one line, and what says why something could not be fetched.
    function Stop-Run([string] $Line) {
        $failure = New-Object System.OperationCanceledException($Line)
        throw $failure
    }

    function Test-CanAsk { [Environment]::UserInteractive -and -not [Console]::IsInputRedirected -and -not $env:CI }

    # --- the hub ---------------------------------------------------------------------------------------

    function Get-HubAddress {
        $given = if ($env:KIPINA_HUB) { $env:KIPINA_HUB } elseif ($carriedHub -notlike '@*') { $carriedHub } elseif ($env:HUB_URL) { $env:HUB_URL } else { 'https://kipina.studio' }
        $address = $given.Trim() -replace '^ws(s?)://', 'http$1://'
        if ($address -notmatch '^[a-z]+://') {
            # Names of the internet have certificates; addresses and names of one's own network don't.
            $isNear = $address -match '^(\[|localhost([:/]|$)|\d+\.\d+\.\d+\.\d+|[^.:/]+([:/]|$)|[^:/]+\.local([:/]|$))'
            $address = $(if ($isNear) { 'http://' } else { 'https://' }) + $address
        }
        $address = $address.TrimEnd('/') -replace '/ws$', ''
        if ($address -notmatch '^https?://([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*$') {
            Stop-Run (Get-Message wrong_hub $given)
        }
        $address
    }

    # Fetches into a file, going on where it ends; throws the line that says why not.
    function Save-Url([string] $Url, [string] $Path, [switch] $ShowProgress) {
        $start = if (Test-Path -LiteralPath $Path) { (Get-Item -LiteralPath $Path).Length } else { 0 }
        $request = [Net.WebRequest]::Create($Url)
        $request.Timeout = 20000
        $request.ReadWriteTimeout = 30000
        if ($start -gt 0) { $request.AddRange([long] $start) }
        $response = $null
        $file = $null
        try {
            $response = $request.GetResponse()
            $isPart = [int] $response.StatusCode -eq 206
            $mode = if ($isPart) { [IO.FileMode]::Append } else { [IO.FileMode]::Create }
            try { $file = New-Object IO.FileStream($Path, $mode) }
            catch { Stop-Run (Get-Message cannot_write $data, $_.Exception.Message) }
            $done = if ($isPart) { $start } else { 0 }
            $total = $done + $response.ContentLength
            $body = $response.GetResponseStream()
            $buffer = New-Object byte[] 262144
            while (($count = $body.Read($buffer, 0, $buffer.Length)) -gt 0) {
                try { $file.Write($buffer, 0, $count) }
                catch { Stop-Run (Get-Message cannot_write $data, $_.Exception.Message) }
                $done += $count
                if ($ShowProgress -and $total -gt 0) {
                    $percent = [int] [Math]::Min(100, 100 * $done / $total)
                    Write-Progress -Activity 'kipina-node' -Status "$percent %" -PercentComplete $percent
                }
            }
            if ($response.ContentLength -ge 0 -and $done -lt $total) { throw (New-Object IO.IOException('the connection broke off')) }
        }
        finally {
            if ($file) { $file.Dispose() }
            if ($response) { $response.Close() }
            if ($ShowProgress) { Write-Progress -Activity 'kipina-node' -Completed }
        }
    }

    # The status of an HTTP answer that says no; 0 where there was no answer.
    function Get-Status($ErrorRecord) {
        for ($cause = $ErrorRecord.Exception; $cause; $cause = $cause.InnerException) {
            if ($cause -is [Net.WebException] -and $cause.Response) { return [int] $cause.Response.StatusCode }
        }
        0
    }

    function Test-IsFinal($ErrorRecord) {
        for ($cause = $ErrorRecord.Exception; $cause; $cause = $cause.InnerException) {
            if ($cause -is [OperationCanceledException]) { return $true }
        }
        $false
    }

    # Why the hub's answer can't be used, in words.
    function Get-Reason($ErrorRecord) {
        if (Test-IsFinal $ErrorRecord) { return $ErrorRecord.Exception.Message }
        $status = Get-Status $ErrorRecord
        if ($status -eq 404) { return Get-Message no_downloads $hub }
        if ($status) { return Get-Message bad_status $hub, $status }
        $cause = $ErrorRecord.Exception.GetBaseException()
        Get-Message no_answer $hub, $cause.Message
    }

    # --- the list, and who signed it -------------------------------------------------------------------

    function Get-KeyBody([string] $Pem) { (($Pem -split '\r?\n') -notmatch '^-' -join '') -replace '\s', '' }

    # The two numbers of an ECDSA signature, each in 32 bytes, out of their DER encoding:
    # SEQUENCE { INTEGER r, INTEGER s }. $null where it is none.
    function ConvertFrom-DerSignature([byte[]] $Der) {
        if ($Der.Length -lt 8 -or $Der[0] -ne 0x30 -or $Der[1] -ne $Der.Length - 2) { return $null }
        $numbers = New-Object byte[] 64
        $at = 2
        foreach ($end in 32, 64) {
            if ($at + 2 -gt $Der.Length -or $Der[$at] -ne 0x02) { return $null }
            $length = [int] $Der[$at + 1]
            $at += 2
            if ($length -lt 1 -or $at + $length -gt $Der.Length) { return $null }
            # A number whose first bit is set has a zero before it.
            while ($length -gt 32 -and $Der[$at] -eq 0) { $at++; $length-- }
            if ($length -gt 32) { return $null }
            [Array]::Copy($Der, $at, $numbers, $end - $length, $length)
            $at += $length
        }
        if ($at -ne $Der.Length) { return $null }
        , $numbers
    }

    function Test-Signature([string] $KeyBody, [byte[]] $Signed, [string] $Signature) {
        try {
            $key = [Convert]::FromBase64String($KeyBody)
            $numbers = ConvertFrom-DerSignature ([Convert]::FromBase64String(($Signature -replace '\s', '')))
            # SubjectPublicKeyInfo of P-256: 26 bytes that are always the same, then 4, x and y.
            $head = [BitConverter]::ToString($key, 0, 27) -replace '-', ''
            if ($null -eq $numbers -or $key.Length -ne 91 -or $head -ne '3059301306072A8648CE3D020106082A8648CE3D03010703420004') { return $false }
            # BCRYPT_ECCKEY_BLOB: the magic 'ECS1', the length of a coordinate, x and y.
            $blob = New-Object byte[] 72
            [Array]::Copy([byte[]] (0x45, 0x43, 0x53, 0x31, 32, 0, 0, 0), $blob, 8)
            [Array]::Copy($key, 27, $blob, 8, 64)
            $imported = [Security.Cryptography.CngKey]::Import($blob, [Security.Cryptography.CngKeyBlobFormat]::EccPublicBlob)
            $verifier = New-Object Security.Cryptography.ECDsaCng($imported)
            $hash = [Security.Cryptography.SHA256]::Create().ComputeHash($Signed)
            $verifier.VerifyHash($hash, $numbers)
        }
        catch { $false }
    }

    # The verified list, as lines. The key is the one that was seen first; only what it has signed is believed.
    function Get-VerifiedList {
        $list = Join-Path $work 'SHA256SUMS'
        Save-Url "$hub/download/SHA256SUMS" $list
        $bytes = [IO.File]::ReadAllBytes($list)
        $lines = @([Text.Encoding]::UTF8.GetString($bytes).TrimEnd("`n") -split "`n")
        if (@($lines -cnotmatch '^[0-9a-f]{64}  [A-Za-z0-9._-]+$').Count -gt 0) { Stop-Run (Get-Message web_page $hub) }
        Save-Url "$hub/download/SHA256SUMS.sig" "$list.sig"
        $signature = [IO.File]::ReadAllText("$list.sig")

        $pinned = [IO.Path]::Combine($data, 'keys', (($hub -replace '^https?://', '') -replace '[^A-Za-z0-9.-]', '_') + '.pem')
        $pinnedKey = if (Test-Path -LiteralPath $pinned) { Get-KeyBody ([IO.File]::ReadAllText($pinned)) } else { '' }
        $key = ''
        if (-not $env:KIPINA_HUB -and $carriedKey -notlike '@*') { $key = $carriedKey }
        if (-not $key) {
            try {
                Save-Url "$hub/download/kipina.pub" (Join-Path $work 'kipina.pub')
                $key = Get-KeyBody ([IO.File]::ReadAllText((Join-Path $work 'kipina.pub')))
            }
            catch { $key = $pinnedKey }
        }
        # From here on nothing that is installed makes up for it.
        if (-not $key) { $state.IsRefused = $true; Stop-Run (Get-Message no_key $hub) }
        if ($pinnedKey -and $pinnedKey -cne $key) { $state.IsRefused = $true; Stop-Run (Get-Message changed_key $hub, $pinned) }
        if (-not (Test-Signature $key $bytes $signature)) { $state.IsRefused = $true; Stop-Run (Get-Message bad_signature $hub) }
        if (-not $pinnedKey) {
            [void] (New-Item -ItemType Directory -Force -Path (Split-Path $pinned))
            $body = for ($i = 0; $i -lt $key.Length; $i += 64) { $key.Substring($i, [Math]::Min(64, $key.Length - $i)) }
            [IO.File]::WriteAllText($pinned, ((@('-----BEGIN PUBLIC KEY-----') + $body + '-----END PUBLIC KEY-----') -join "`n") + "`n")
        }
        $lines
    }

    function Test-IsNewer([string] $Version, [string] $Than) {
        $one = @($Version -split '\.')
        $two = @($Than -split '\.')
        for ($i = 0; $i -lt [Math]::Max($one.Count, $two.Count); $i++) {
            $left = if ($i -lt $one.Count) { [long] $one[$i] } else { 0 }
            $right = if ($i -lt $two.Count) { [long] $two[$i] } else { 0 }
            if ($left -ne $right) { return $left -gt $right }
        }
        $false
    }

    function Find-Newest([string[]] $List, [string] $Processor) {
        $newest = $null
        foreach ($line in $List) {
            if (-not ($line -cmatch "^([0-9a-f]{64})  (kipina-node-([0-9]{1,9}(?:\.[0-9]{1,9})*)-windows-$Processor\.exe)`$")) { continue }
            $listed = @{ Sum = $Matches[1]; File = $Matches[2]; Version = $Matches[3] }
            if (-not $newest -or (Test-IsNewer $listed.Version $newest.Version)) { $newest = $listed }
        }
        $newest
    }

    # --- the program -----------------------------------------------------------------------------------

    function Get-Sum([string] $Path) { (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash.ToLowerInvariant() }

    # What the command runs now; where somebody took the junction away, the newest that is here.
    function Get-Installed {
        $names = @()
        if (Test-Path -LiteralPath $current) { $names += [IO.Path]::GetFileName([string] @((Get-Item -LiteralPath $current -Force).Target)[0]) }
        $newest = ''
        if (Test-Path -LiteralPath $versions) {
            foreach ($folder in Get-ChildItem -LiteralPath $versions -Directory) {
                if ($folder.Name -notmatch '^[0-9.]+-[0-9a-f]{8}$' -or -not (Test-Path -LiteralPath (Join-Path $folder.FullName 'kipina-node.exe'))) { continue }
                if (-not $newest -or (Test-IsNewer ($folder.Name -replace '-.*', '') ($newest -replace '-.*', ''))) { $newest = $folder.Name }
            }
        }
        foreach ($name in $names + $newest) {
            $program = [IO.Path]::Combine($versions, $name, 'kipina-node.exe')
            if ($name -and (Test-Path -LiteralPath $program)) { return @{ Name = $name; Version = $name -replace '-.*', ''; Program = $program } }
        }
        $null
    }

    # A download that was not finished stays for the next run.
    function Save-Program($Wanted) {
        Write-Message downloading $Wanted.Version
        $unfinished = [IO.Path]::Combine($data, 'unfinished', $Wanted.Sum)
        [void] (New-Item -ItemType Directory -Force -Path (Split-Path $unfinished))
        for ($try = 1; ; $try++) {
            $wasThere = Test-Path -LiteralPath $unfinished
            try {
                Save-Url "$hub/download/$($Wanted.File)" $unfinished -ShowProgress
                if ((Get-Sum $unfinished) -eq $Wanted.Sum) { break }
                Remove-Item -LiteralPath $unfinished -Force
                # What was there before may be what is wrong.
                if (-not $wasThere) { $state.IsRefused = $true; Stop-Run (Get-Message wrong_sum $Wanted.File) }
            }
            catch {
                $status = Get-Status $_
                # What is there is longer than the file.
                if ($status -eq 416) { Remove-Item -LiteralPath $unfinished -Force }
                elseif ($status -or (Test-IsFinal $_) -or $try -ge 3) { throw }
                else { Write-Message going_on; Start-Sleep -Seconds 1 }
            }
        }
        $unfinished
    }

    # '' where the program starts here, else what it says.
    function Test-Starts([string] $Program) {
        # What a program writes to its error stream is no error of this script's.
        $ErrorActionPreference = 'Continue'
        try { $said = & $Program --version 2>&1 } catch { return $_.Exception.Message }
        if ($LASTEXITCODE -eq 0) { return '' }
        "$LASTEXITCODE $($said | Select-Object -First 1)"
    }

    function Set-Current([string] $Name) {
        if (Test-Path -LiteralPath $current) { [IO.Directory]::Delete($current) }
        [void] (New-Item -ItemType Junction -Path $current -Target (Join-Path $versions $Name))
        if (($env:Path -split ';') -notcontains $current) { $env:Path = "$current;$env:Path" }
        # As it is written there: other folders may be named by variables.
        $settings = [Microsoft.Win32.Registry]::CurrentUser.OpenSubKey('Environment', $true)
        try {
            $path = [string] $settings.GetValue('Path', '', [Microsoft.Win32.RegistryValueOptions]::DoNotExpandEnvironmentNames)
            if (($path -split ';') -contains $current) { return }
            $settings.SetValue('Path', "$current;$path".TrimEnd(';'), [Microsoft.Win32.RegistryValueKind]::ExpandString)
        }
        finally { $settings.Close() }
        # Any change that goes through here tells open programs to read them again.
        [Environment]::SetEnvironmentVariable('KIPINA_INSTALLING', 'yes', 'User')
        [Environment]::SetEnvironmentVariable('KIPINA_INSTALLING', [NullString]::Value, 'User')
        Write-Message on_path
    }

    function Install-Program($Wanted, $Installed) {
        $name = "$($Wanted.Version)-$($Wanted.Sum.Substring(0, 8))"
        $folder = Join-Path $versions $name
        $program = Join-Path $folder 'kipina-node.exe'
        if (-not (Test-Path -LiteralPath $program) -or (Get-Sum $program) -ne $Wanted.Sum) {
            $fresh = Join-Path $work 'kipina-node.exe'
            Move-Item -LiteralPath (Save-Program $Wanted) -Destination $fresh
            # The new version takes its place only when it has been seen to start here.
            $problem = Test-Starts $fresh
            if ($problem) {
                if (-not $Installed) { Stop-Run (Get-Message does_not_start $problem) }
                Write-Message keeping_old $Wanted.Version, $problem, $Installed.Version
                return $Installed.Program
            }
            [void] (New-Item -ItemType Directory -Force -Path $folder)
            Move-Item -LiteralPath $fresh -Destination $program -Force
            Write-Message installed $Wanted.Version, $program
        }
        if (-not $Installed -or $Installed.Name -ne $name -or -not (Test-Path -LiteralPath $current)) { Set-Current $name }
        if ($Installed -and $Installed.Name -ne $name) {
            # One that still runs can't be deleted, and goes the next time.
            Get-ChildItem -LiteralPath $versions -Directory | Where-Object { $_.Name -ne $name -and $_.Name -ne $Installed.Name } |
                Remove-Item -Recurse -Force -ErrorAction SilentlyContinue
        }
        $program
    }

    # The path of what is to be run.
    function Get-Program($Installed) {
        $processor = if ($env:PROCESSOR_ARCHITEW6432) { $env:PROCESSOR_ARCHITEW6432 } else { $env:PROCESSOR_ARCHITECTURE }
        $state.IsRefused = $false
        try {
            $list = @(Get-VerifiedList)
            $wanted = if ($processor -eq 'ARM64') { Find-Newest $list 'arm64' }
            # Windows on ARM runs the others too.
            if (-not $wanted) { $wanted = Find-Newest $list 'x86_64' }
            if (-not $wanted) { Stop-Run (Get-Message no_program $hub, $processor) }
            if ($Installed -and (Test-IsNewer $Installed.Version $wanted.Version)) {
                Write-Message newer_here $Installed.Version, $wanted.Version
                return $Installed.Program
            }
            Install-Program $wanted $Installed
        }
        catch {
            $reason = Get-Reason $_
            if (-not $Installed -or $state.IsRefused) { Stop-Run $reason }
            Write-Message using_installed $reason, $Installed.Version
            $Installed.Program
        }
    }

    # --- Ollama ----------------------------------------------------------------------------------------

    # As Ollama's own OLLAMA_HOST is read: http and port 11434 where nothing is said.
    function Get-OllamaAddress([string] $Address) {
        $scheme = 'http'
        if ($Address -match '^([a-z]+)://(.*)$') { $scheme, $Address = $Matches[1], $Matches[2] }
        elseif ($Address -notmatch ':\d+/?$') { $Address = "$($Address.TrimEnd('/')):11434" }
        "${scheme}://$($Address.TrimEnd('/') -replace '^0\.0\.0\.0', '127.0.0.1')"
    }

    function Get-Candidates {
        $given = @($env:OLLAMA_URL, $env:OLLAMA_HOST, 'localhost', '127.0.0.1', 'ollama', 'host.docker.internal')
        try {
            # Nothing is sent: the address is one of those that stand in for all others in documents.
            $socket = New-Object Net.Sockets.UdpClient
            $socket.Connect('192.0.2.1', 9)
            $given += $socket.Client.LocalEndPoint.Address.ToString()
            $socket.Close()
        }
        catch [Net.Sockets.SocketException] { Write-Verbose 'there is no network' }
        $given | Where-Object { $_ } | ForEach-Object { Get-OllamaAddress $_ } | Select-Object -Unique
    }

    # What the addresses answer, all asked at once; '' where there is no answer in time.
    function Get-Answers([string[]] $Addresses) {
        $handler = New-Object Net.Http.HttpClientHandler
        # It is this machine or a neighbour: a proxy would only be in the way.
        $handler.UseProxy = $false
        $client = New-Object Net.Http.HttpClient($handler)
        $client.Timeout = [TimeSpan]::FromSeconds(3)
        $client.MaxResponseContentBufferSize = 1MB
        $asked = @(foreach ($address in $Addresses) { try { $client.GetStringAsync($address) } catch { $null } })
        foreach ($task in $asked) {
            try { if ($task -and $task.Wait(5000)) { $task.Result } else { '' } } catch { '' }
        }
        $client.Dispose()
    }

    # Each server once, whatever names it has.
    function Find-Ollama {
        $candidates = @(Get-Candidates)
        $told = @(Get-Answers @($candidates | ForEach-Object { "$_/api/version" }))
        # Models carry the time they came, to the nanosecond: two servers do not have the same list by chance.
        $models = @(Get-Answers @($candidates | ForEach-Object { "$_/api/tags" }))
        $seen = @()
        for ($i = 0; $i -lt $candidates.Count; $i++) {
            if (-not ($told[$i] -match '^\s*\{[\s\S]*"version"\s*:\s*"(\d[\w.+-]*)"')) { continue }
            $version = $Matches[1]
            # A hub of ours tells a version at this address too.
            if ($told[$i] -match 'protocol_version') { continue }
            if ($seen -ccontains "$version $($models[$i])") { continue }
            $seen += "$version $($models[$i])"
            @{ Url = $candidates[$i]; Version = $version }
        }
    }

    function Start-Ollama {
        $command = Get-Command ollama.exe -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
        $ollama = if ($command) { $command.Path } else { [IO.Path]::Combine([Environment]::GetFolderPath('LocalApplicationData'), 'Programs', 'Ollama', 'ollama.exe') }
        if (-not (Test-Path -LiteralPath $ollama)) { return $false }
        Write-Message starting_ollama
        $server = Start-Process -FilePath $ollama -ArgumentList 'serve' -WindowStyle Hidden -PassThru
        for ($try = 0; $try -lt 20; $try++) {
            if (@(Find-Ollama).Count -gt 0) { return $true }
            if ($server.HasExited) { break }
            Start-Sleep -Seconds 1
        }
        Write-Message ollama_silent
        $true
    }

    function Install-Ollama {
        if (-not (Test-CanAsk) -or (Read-Host (Get-Message install_ollama)) -notmatch '^[ykj]') { return }
        if (Get-Command winget.exe -ErrorAction SilentlyContinue) {
            & winget.exe install --exact --id Ollama.Ollama | Out-Host
            if ($LASTEXITCODE -eq 0) {
                if (@(Find-Ollama).Count -eq 0) { [void] (Start-Ollama) }
                return
            }
        }
        Write-Message get_ollama
    }

    # The address of the Ollama to use; '' where the engine is to compute.
    function Select-Ollama([bool] $MayUseEngine) {
        $found = @(Find-Ollama)
        if ($env:OLLAMA_URL) {
            if ($found.Count -gt 0 -and $found[0].Url -eq (Get-OllamaAddress $env:OLLAMA_URL)) { $found = @($found[0]) }
            else { Write-Message silent_ollama $env:OLLAMA_URL }
        }
        if ($found.Count -eq 0) {
            if (-not (Start-Ollama)) { Install-Ollama }
            $found = @(Find-Ollama)
        }
        if ($found.Count -eq 0) { return '' }
        $choice = 1
        if ($found.Count -gt 1) {
            if (-not (Test-CanAsk)) { Write-Message took_first ($found.Url -join ' ') }
            else {
                $choices = $found.Count + [int] $MayUseEngine
                Write-Message several
                for ($i = 0; $i -lt $found.Count; $i++) { [Console]::Error.WriteLine("  $($i + 1)) $($found[$i].Url) (Ollama $($found[$i].Version))") }
                if ($MayUseEngine) { [Console]::Error.WriteLine("  $choices) $(Get-Message engine_choice)") }
                while ($true) {
                    $reply = (Read-Host (Get-Message which)).Trim()
                    if (-not $reply) { $reply = '1' }
                    if ($reply -match '^\d{1,3}$' -and [int] $reply -ge 1 -and [int] $reply -le $choices) { break }
                    Write-Message between $choices
                }
                $choice = [int] $reply
            }
        }
        if ($choice -gt $found.Count) { return '' }
        Write-Message using_ollama $found[$choice - 1].Version, $found[$choice - 1].Url
        $found[$choice - 1].Url
    }

    # --- the run ---------------------------------------------------------------------------------------

    function Test-Flag([string[]] $Flags, [string] $Form) { @($Flags | Where-Object { $_ -cmatch $Form }).Count -gt 0 }

    function Start-Node([string[]] $Flags) {
        $asksStatus = @($Flags)[0] -ceq 'status'
        $asksOnly = $asksStatus -or (Test-Flag $Flags '^(--help|-h|--version|-V|--uninstall)$')
        $installed = Get-Installed
        if ($asksOnly -and $installed) { $program = $installed.Program }
        elseif ($asksStatus -or (Test-Flag $Flags '^--uninstall$')) { Stop-Run (Get-Message not_installed) }
        else { $program = Get-Program $installed }
        if (-not $asksOnly -and -not (Test-Flag $Flags '^(--engine|--gpu|--cpu|--openai|.*\.gguf)$')) {
            # The program knows which models only Ollama can have.
            $mayUseEngine = -not (Test-Flag $Flags '^(--ollama|--model(=.*)?)$')
            $url = Select-Ollama $mayUseEngine
            if ($url) { $env:OLLAMA_URL = $url }
            elseif ($mayUseEngine) {
                Write-Message using_engine
                $Flags = @('--engine') + $Flags
            }
        }
        $env:HUB_URL = ($hub -replace '^http', 'ws') + '/ws'
        if (-not $env:LC_ALL -and -not $env:LC_MESSAGES -and -not $env:LANG) { $env:LANG = $locale }
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $ErrorActionPreference = 'Continue'
        & $program @Flags
    }

    $before = @{ HUB_URL = $env:HUB_URL; OLLAMA_URL = $env:OLLAMA_URL; LANG = $env:LANG }
    $work = Join-Path $data ".new.$PID"
    try {
        Add-Type -AssemblyName System.Net.Http
        # Old systems do not offer what today's servers want; on new ones (0) the system chooses.
        $protocols = [Net.ServicePointManager]::SecurityProtocol
        if ([int] $protocols -ne 0) { [Net.ServicePointManager]::SecurityProtocol = $protocols -bor [Net.SecurityProtocolType]::Tls12 }
        $hub = Get-HubAddress
        if ([Environment]::OSVersion.Platform -ne 'Win32NT') { Stop-Run (Get-Message not_windows $hub) }
        try {
            if (Test-Path -LiteralPath $work) { Remove-Item -LiteralPath $work -Recurse -Force }
            foreach ($folder in $versions, $work) { [void] (New-Item -ItemType Directory -Force -Path $folder) }
        }
        catch { Stop-Run (Get-Message cannot_write $data, $_.Exception.Message) }
        Start-Node @($args | ForEach-Object { [string] $_ })
    }
    catch {
        [Console]::Error.WriteLine($_.Exception.Message)
        $global:LASTEXITCODE = 1
    }
    finally {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        foreach ($name in @($before.Keys)) {
            if ($null -eq $before[$name]) { Remove-Item "env:$name" -ErrorAction SilentlyContinue }
            else { Set-Item "env:$name" $before[$name] }
        }
    }
    # A file's answer is its exit code; piped into a session, `exit` would close the window.
    if ($PSCommandPath) { exit $global:LASTEXITCODE }
} @args
