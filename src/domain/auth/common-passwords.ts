/**
 * Passwords that attackers try first. `COMMON` are the long ones of published leaks, folded as password-policy.ts folds; most leaked passwords are
 * shorter than 12 characters and come back longer with digits or signs around one word, which is what `WORDS` is for.
 */
const lines = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** As typed, in lower case. */
export const COMMON = lines(`
  1q2w3e4r5t6y 1q2w3e4r5t6y7u 1q2w3e4r5t6y7u8i q1w2e3r4t5y6 q1w2e3r4t5y6u7 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qaz@wsx3edc 1qaz@wsx#edc !qaz2wsx#edc !qaz@wsx#edc
  zaq12wsxcde3 zaq1xsw2cde3 zaq!xsw@cde# 1qazxsw23edc 1qazxsw2 3edcvfr4 qazwsxedcrfv qazwsxedc123 qweasdzxc123 123qweasdzxc 123qwe123qwe qwe123qwe123 qweasd123456 asd123asd123
  a1b2c3d4e5f6 a1b2c3d4e5f6g7 a1s2d3f4g5h6 abc123abc123 abc123456789 abcd12345678 abcde1234567 aa1234567890 aaa123456789 a123456789012 q123456789012 123abc123abc 1a2b3c4d5e6f 1234qwerasdf
  123456qwerty 1234567qwerty 12345qwert67 123456abcdef 1234567890qw 1234567890abc 1234567890qwe 123456789abc 123456789qwe 123456789asd 123456789qaz 987654321abc 123456654321 1234554321 12344321
  123123123123 112233445566 11223344556677 121212121212 123321123321 123456123456 147258369147 147258369000 159357456852 159753456852 135792468013 102030405060 010203040506 101112131415 111222333444
  qwertyqwerty qwerty123456 qwerty1234567 qwerty12345678 qwertyuiop12 qwertyuiop123 qwertyuiop1234 qwerasdfzxcv 1qwertyuiop2 asdfghjkl123 asdfasdfasdf zxcvbnm12345 zxcvbnm123456 poiuytrewq123
  passwordpassword password1password passwordpassword1 pass1234pass word1234word passpasspass letmeinletmein letmeinplease letmeinnow123 opensesame123 trustno1trustno1 iamtheadmin administrator
  administrator1 administrator123 adminadminadmin adminadmin12 admin123admin rootrootroot useruseruser guestguestguest testtesttest testpassword testpassword1 testpassword123 defaultpassword
  temppassword temporarypassword mypassword123 mypassword1234 mysecretpassword secretpassword secretpassword1 yourpassword thisismypassword thisisapassword thepassword newpassword newpassword1
  newpassword123 oldpassword changethis12 changepassword changemenow1 changemeplease resetpassword masterpassword superpassword userpassword adminpassword adminpassword1 rootpassword loginpassword
  welcomewelcome welcometothe welcome2company companyname1 supersecret1 supersecret123 topsecret123 nopassword123 enterpassword forgotpassword ineedapassword passwordispassword whatever1234
  iloveyouiloveyou iloveyouforever iloveyou1234 iloveyou12345 ilovemyself1 ilovemymom123 iloveyousomuch iloveyoubaby loveyouforever lovelovelove fuckyoufuckyou fuckyou12345
  unbelievable christopher1 elizabeth123 alexander123 charlotte123 michelle1234 basketball12 basketball123 volleyball12 manchester12 manchesterunited liverpoolfc1 barcelona123 juventus1897 arsenal12345
  chocolate123 butterfly123 motherfucker motherlode12 hellohello12 helloworld12 helloworld123 hello1234567 harrypotter1 harrypotter123 lordoftherings starwars1234 startrek1234 spiderman123 superman1234
  batman123456 pokemon12345 football1234 baseball1234 computer1234 internet1234 samsung12345 google123456 facebook1234 linkedin1234 microsoft123 windows12345 playstation1 playstation3 minecraft123
  dragonballz1 metallica123 liverpool123 chelsea12345 princess1234 sunshine1234 monkey123456 dragon123456 master123456 shadow123456 michael12345 jennifer1234 jordan232323 killer123456 summer123456
`);

/** Words that are no password, whatever is put around them. Letters only. */
export const WORDS = lines(`
  password passwords passwort passwd passw pass pwd motdepasse contrasena senha parola heslo haslo wachtwoord passcode passphrase secret topsecret supersecret
  admin administrator administrador root superuser sysadmin user username guest demo test tester testing temp temporary default login logon letmein changeme change welcome willkommen bienvenue
  hello hallo helloworld server system oracle postgres mysql database portal scanner security access master manager support service office company
  iloveyou ilovey loveme lovely love lover qwerty qwertz azerty qwertyuiop qwertyui qwert asdf asdfgh asdfghjkl asdfghjk zxcvbn zxcvbnm qazwsx qazwsxedc abc abcd abcde abcdef abcdefg abcdefgh
  dragon monkey football baseball basketball soccer hockey golf tennis superman batman spiderman starwars pokemon pikachu naruto minecraft fortnite roblox
  princess sunshine shadow ashley michael jordan jennifer jessica charlie daniel andrew thomas robert matthew anthony william george nicole michelle hannah amanda joshua
  freedom whatever trustno ninja mustang corvette ferrari porsche mercedes harley yamaha killer hunter ranger buster soccer tigger pepper ginger cookie cheese chocolate butterfly flower banana
  summer winter spring autumn january february march april june july august september october november december monday tuesday wednesday thursday friday saturday sunday
  google facebook twitter linkedin amazon microsoft windows apple iphone android samsung internet computer laptop matrix mercury jesus christ heaven angel
  liverpool arsenal chelsea barcelona manchester london paris berlin america england germany france canada australia fuckyou fuck fucker asshole bitch sexy
`);
