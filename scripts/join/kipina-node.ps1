# Joins this machine to a Kipinä hub.
$hub = if ($env:KIPINA_HUB) { $env:KIPINA_HUB } else { '@KIPINA_HUB@' }
$releaseKey = '@KIPINA_RELEASE_KEY@'
Write-Error "kipina-node: this hub ($hub, key '$releaseKey') has no way to join in one line yet; see its README"
