import type { PiiClassName } from '../pii-class.ts';

/** What a column's name says about persons, in the languages of Europe that columns are named in. */
export interface NameHint {
  readonly detector: string;
  readonly piiClass: Exclude<PiiClassName, 'none'>;
}

const words = (list: string): RegExp => new RegExp(` (${list}) `);

// The words are compared without accents, whole, in small letters: `geburtsDatum`, `date_of_birth` and `BIRTH-DATE` alike.
const HINTS: readonly (readonly [detector: string, piiClass: NameHint['piiClass'], words: RegExp])[] = [
  ['health-name', 'special', words('diagnosis|diagnoses|diagnose|diagnostic|disease|illness|disability|disabled|icd|icd10|medication|symptom|symptoms|blood|allergy|allergies|pregnant|pregnancy|health|gesundheit|krankheit|behinderung|schwanger|sante|maladie|handicap|salud|enfermedad|salute|malattia|gezondheid|ziekte|choroba|zdrowie')],
  ['religion-name', 'special', words('religion|religious|faith|konfession|glaube|religione|religie|geloof|wyznanie|confession|kirchensteuer')],
  ['ethnicity-name', 'special', words('ethnicity|ethnic|race|ethnie|ethnische|herkunft|rasse|etnia|raza|razza|etniciteit')],
  ['sexuality-name', 'special', words('sexuality|sexual orientation|sexuelle orientierung|orientation sexuelle|orientacion sexual')],
  ['politics-name', 'special', words('political|politics|party membership|political party|partei|parteizugehorigkeit|trade union|union member|union membership|gewerkschaft|syndicat|sindicato|sindacato|vakbond')],
  ['biometrics-name', 'special', words('fingerprint|biometric|biometrics|genome|genetic|dna|iris scan|face embedding|fingerabdruck')],
  ['criminal-record-name', 'special', words('criminal record|criminal|conviction|convictions|vorstrafe|vorstrafen|casier judiciaire|antecedentes penales')],
  ['person-name', 'personal', words('first name|firstname|forename|given name|last name|lastname|surname|family name|full name|fullname|customer name|patient name|employee name|maiden name|vorname|nachname|familienname|geburtsname|prenom|nom de famille|nombre|apellido|apellidos|nome|cognome|voornaam|achternaam|imie|nazwisko')],
  ['email-name', 'personal', words('email|e mail|mail|emails|mailadresse|courriel|correo')],
  ['phone-name', 'personal', words('phone|phone number|telephone|telefon|telefonnummer|mobile|mobile number|handy|fax|tel|telefono|telefoon|portable')],
  ['address-name', 'personal', words('address|street|house number|adresse|anschrift|strasse|hausnummer|rue|direccion|calle|indirizzo|via|adres|straat|postcode|zip|zip code|zipcode|postal code|plz|postleitzahl|code postal|codigo postal|cap')],
  ['birth-name', 'personal', words('birth|birthday|birthdate|birth date|date of birth|dob|year of birth|birth year|geburt|geburtsdatum|geburtstag|geburtsjahr|geburts datum|naissance|date naissance|nacimiento|nascita|geboortedatum|urodzenia')],
  ['age-name', 'personal', words('age|alter|lebensalter|edad|eta|leeftijd|wiek')],
  ['sex-name', 'personal', words('sex|gender|geschlecht|sexe|sexo|genero|genre|sesso|genere|geslacht|plec')],
  ['nationality-name', 'personal', words('nationality|citizenship|nationalitat|staatsangehorigkeit|nationalite|nacionalidad|nazionalita|nationaliteit|foreign worker')],
  ['family-name', 'personal', words('marital status|marital|personal status|civil status|familienstand|etat civil|estado civil|stato civile|burgerlijke staat')],
  ['national-id-name', 'personal', words('ssn|social security|social security number|passport|passport number|national id|tax id|steuer id|steuernummer|sozialversicherungsnummer|ausweisnummer|nir|dni|nie|codice fiscale|bsn|pesel|driver license|driving licence')],
  ['account-name', 'personal', words('iban|account number|kontonummer|card number|credit card|kreditkarte|kreditkartennummer|numero de compte|cuenta|rekeningnummer')],
  ['person-id-name', 'personal', words('customer id|client id|user id|userid|patient id|person id|employee id|member id|subscriber id|kundennummer|kunden id|kunden nr|patienten id|username|user name|login')],
  ['device-name', 'personal', words('ip|ip address|ip adresse|mac address|imei|device id|cookie|cookie id')],
  ['place-name', 'personal', words('latitude|longitude|lat|lon|lng|gps|geolocation')],
];

/** The strictest first. */
export const nameHints = (column: string): readonly NameHint[] => {
  const name = spoken(column);
  return HINTS.filter(([, , said]) => said.test(name)).map(([detector, piiClass]) => ({ detector, piiClass }));
};

/** A column's name as words between single spaces, without accents. */
const spoken = (column: string): string =>
  ` ${column
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .replaceAll('ß', 'ss')
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()} `;
